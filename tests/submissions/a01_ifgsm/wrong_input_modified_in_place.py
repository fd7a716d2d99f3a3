"""The step is added to the caller's images, as in the draft on the slides."""

EXPECTED = {"test_fgsm_traces": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    return images.add_(eps * gradient.sign()).clamp_(0, 1)
