"""One function with more arguments than asked for serves the other exercises."""

EXPECTED = {}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps, count=None, toward=False, low=0.0, high=1.0):
    sense = -1 if toward else 1
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_()
        gradient = torch.autograd.grad(F.nll_loss(model(x).log_softmax(1), labels, reduction="sum"), x)[0]
    moved = torch.clamp(images.detach() + sense * eps * torch.sign(gradient), low, high)
    if count is None:
        return moved
    gained = torch.einsum("nchw,nchw->nhw", gradient, moved - images)
    best = gained.flatten(1).topk(count, sorted=False).indices
    result = images.detach().flatten(2).clone()
    for channel in range(result.shape[1]):
        result[:, channel].scatter_(1, best, moved.flatten(2)[:, channel].gather(1, best))
    return result.view_as(images)


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps, toward=False, limit=None):
    x = images.detach()
    for _ in range(steps):
        reached = model(x).argmax(1) == labels
        going = ~reached if toward else reached
        x = torch.where(going[:, None, None, None], fgsm(model, x, labels, step_size, toward=toward), x).detach()
        if limit is not None:
            x = project(x, images, limit)
    return x.clone()


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    return ifgsm(model, images, targets, step_size, steps, toward=True)


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    return ifgsm(model, images, labels, step_size, steps, limit=eps)
