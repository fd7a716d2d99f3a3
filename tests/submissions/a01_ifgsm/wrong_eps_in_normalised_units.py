"""eps is divided by the standard deviation of the data, as if the model took normalised images."""

EXPECTED = {"test_fgsm": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    eps = eps / 0.3081
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    return (images + eps * gradient.sign()).clamp(0, 1)
