"""FGSM follows the gradient scaled to reach eps in its largest pixel, not its sign."""

EXPECTED = {"test_fgsm": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    largest = gradient.abs().amax((1, 2, 3), keepdim=True)
    return (images + eps * gradient / largest).clamp(0, 1)
