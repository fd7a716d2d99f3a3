"""The gradient is taken at the moved images, and does not go back through the motion."""

EXPECTED = {"test_eot_gradient": 0}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms):
    total = torch.zeros_like(images)
    for t in transforms:
        x = rotate_translate(images, t).detach().requires_grad_()
        value = model(x).log_softmax(1).gather(1, targets[:, None]).sum()
        total += torch.autograd.grad(value, x)[0]
    return total / len(transforms)
