"""The iterated attacks as functions that call themselves with one step less."""

EXPECTED = {}


# %% grade_id: ifgsm
def onward(model, images, classes, step_size, steps, sense):
    if steps == 0:
        return images.detach().clone()
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    moving = logits.argmax(1).eq(classes) if sense > 0 else logits.argmax(1).ne(classes)
    if not moving.any():
        return images.detach().clone()
    (g,) = torch.autograd.grad(F.cross_entropy(logits, classes, reduction="sum"), [x])
    after = images.detach() + sense * step_size * g.sign() * moving.to(g.dtype)[:, None, None, None]
    return onward(model, after.clamp(0, 1), classes, step_size, steps - 1, sense)


def ifgsm(model, images, labels, step_size, steps):
    return onward(model, images, labels, step_size, steps, 1)


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    return onward(model, images, targets, step_size, steps, -1)
