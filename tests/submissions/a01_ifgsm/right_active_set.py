"""Images that are done leave the batch, so that no pass is spent on them; one loop serves all attacks."""

EXPECTED = {}


# %% grade_id: fgsm
def signs(model, images, labels):
    x = images.detach().clone().requires_grad_(True)
    logits = model(x)
    loss = F.cross_entropy(logits, labels, reduction="none")
    gradient = torch.autograd.grad(loss.sum(), x)[0]
    return logits.detach().argmax(1), gradient.sign()


def fgsm(model, images, labels, eps, count):
    x = images.detach().clone().requires_grad_(True)
    gradient = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="none").sum(), x)[0]
    step = images.add(gradient.sign(), alpha=eps).clamp(min=0, max=1) - images
    worth = (gradient.abs() * step.abs()).flatten(2).sum(dim=1)
    rank = worth.argsort(dim=1, descending=True).argsort(dim=1)
    keep = (rank < count).unflatten(1, images.shape[2:]).unsqueeze(1)
    return images + step * keep


# %% grade_id: ifgsm
def iterate(model, images, classes, step, steps, going, allowed):
    result = images.clone()
    active = torch.arange(len(images))
    for _ in range(steps):
        predicted, direction = signs(model, result[active], classes[active])
        still = going(predicted, classes[active])
        active, direction = active[still], direction[still]
        if len(active) == 0:
            break
        result[active] = allowed(result[active] + step * direction, images[active])
    return result


def in_box(stepped, originals):
    return stepped.clamp(0, 1)


def ifgsm(model, images, labels, step_size, steps):
    return iterate(model, images, labels, step_size, steps, torch.eq, in_box)


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    return iterate(model, images, targets, -step_size, steps, torch.ne, in_box)


# %% grade_id: project
def project(adversarial, images, eps):
    lower, upper = (images - eps).clamp(min=0), (images + eps).clamp(max=1)
    return adversarial.max(lower).min(upper)


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    def allowed(stepped, originals):
        return project(stepped, originals, eps)

    return iterate(model, images, labels, step_size, steps, torch.eq, allowed)
