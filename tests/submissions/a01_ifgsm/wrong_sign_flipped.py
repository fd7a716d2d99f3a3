"""The sign of the FGSM step is flipped: the loss falls."""

EXPECTED = {"test_fgsm": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    return (images - eps * gradient.sign()).clamp(0, 1).detach()
