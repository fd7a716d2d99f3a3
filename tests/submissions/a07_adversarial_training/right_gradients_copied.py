"""Modes in a dictionary, gradients copied and put back as copies; weights multiplied by a mask."""

EXPECTED = {}


# %% grade_id: min_max_loss
def min_max_loss(model, images, labels, attack):
    modes_before = {name: module.training for name, module in model.named_modules()}
    grads_before = {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}

    def restore():
        for name, module in model.named_modules():
            module.training = modes_before[name]
        for name, p in model.named_parameters():
            p.grad = grads_before[name]

    for module in model.modules():
        module.training = False
    try:
        moved = attack(model, images, labels)
    except BaseException:
        restore()
        raise
    restore()
    losses = F.cross_entropy(model(moved.detach()), labels, reduction="none")
    return losses.sum() / len(losses)


# %% grade_id: mixed_loss
def mixed_loss(model, images, labels, chosen, beta, attack):
    mask = chosen.to(beta.dtype)
    extra = attack(images[chosen], labels[chosen]).detach() if mask.sum() > 0 else images[chosen]
    losses = F.cross_entropy(model(torch.cat((images, extra))), torch.cat((labels, labels[chosen])), reduction="none")
    clean, moved = losses[: len(images)], torch.zeros_like(beta)
    moved = moved.index_put((chosen.nonzero()[:, 0],), losses[len(images) :])
    return ((1 - beta * mask) * clean + beta * mask * moved).mean()


# %% grade_id: shares
def shares(momentum, steps):
    parts = [1.0, 0.0, 0.0]
    for which in [1] * steps + [2]:
        parts = [(1 - momentum) * part for part in parts]
        parts[which] += momentum
    return tuple(parts)
