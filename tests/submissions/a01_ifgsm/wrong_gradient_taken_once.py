"""The gradient is taken at the image as it was, before the loop."""

EXPECTED = {"test_ifgsm_steps": 0}


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    start = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(start), labels, reduction="sum"), start)
    x = images.detach().clone()
    for _ in range(steps):
        with torch.no_grad():
            going = (model(x).argmax(1) == labels).view(-1, 1, 1, 1)
        x = torch.where(going, (x + step_size * gradient.sign()).clamp(0, 1), x)
    return x
