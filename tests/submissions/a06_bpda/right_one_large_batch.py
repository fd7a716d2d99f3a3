"""All masks in one batch, all draws in one batch; filled by an unfolded image."""

EXPECTED = {}


# %% grade_id: filled
def filled(images, mask):
    around = [F.unfold((m * torch.ones_like(images) if m is mask else m), 3, padding=1) for m in (mask, mask * images)]
    around = [a.view(len(images), images.shape[1], 9, -1) for a in around]
    keep = torch.tensor([k != 4 for k in range(9)])
    count, total = (a[:, :, keep].sum(2).view(images.shape) for a in around)
    return mask * images + (1 - mask) * (total + 0.5 * (count == 0)) / (count + (count == 0))


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    x = images.detach().clone().requires_grad_()
    many = x.repeat(draws, 1, 1, 1)
    drawn = torch.rand(len(many), 1, *images.shape[2:], generator=generator, dtype=images.dtype)
    mask = (drawn >= drop).to(images.dtype)
    painted = filled(many, mask)
    seen = painted + (smooth(many.detach() * mask, mask) - painted).detach()
    loss = F.cross_entropy(model(seen), labels.repeat(draws), reduction="sum") / draws
    return torch.autograd.grad(loss, x)[0]


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    logits = model(images.repeat(draws, 1, 1, 1)).detach()
    right = (logits.argmax(1) == labels.repeat(draws)).view(draws, -1).double()
    each, missed = right.mean(1), 1 - right.mean(0)
    log = [torch.lgamma(torch.as_tensor(1.0 + v, dtype=torch.float64)) for v in (draws - tries, draws)]
    correct = right.sum(0)
    left = torch.lgamma(1 + correct) - torch.lgamma((1 + correct - tries).clamp_min(1))
    fooled = 1 - torch.where(correct < tries, 0.0, (left + log[0] - log[1]).exp()).mean()
    return each.mean(), each.std() / draws**0.5, fooled, (missed > 0.5).double().mean()


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    path = [images.detach().clone()]
    for _ in range(steps):
        x = path[-1].clone().requires_grad_()
        slope = torch.autograd.grad(F.cross_entropy(stand_in(x), labels, reduction="sum"), x)[0]
        low, high = (images - eps).clamp(min=0), (images + eps).clamp(max=1)
        path.append(torch.min(torch.max(path[-1] + step_size * slope.sign(), low), high))
    path = torch.stack(path)
    logits = defended(path.flatten(0, 1)).detach().view(steps + 1, len(images), -1).log_softmax(2)
    fooled = logits.argmax(2) != labels
    loss = -logits.gather(2, labels.expand(steps + 1, -1)[..., None])[..., 0]
    best = (loss + 1000 * fooled).argmax(0)
    return path[best, torch.arange(len(images))], fooled.int().cummax(0).values.float().mean(1)
