"""Sums in float64, whatever the images are, and back at the end; flat indices."""

EXPECTED = {}


# %% grade_id: shake
def places(height, width, moves):
    """(K, H·W): the flat place that every place reads."""
    rows = (torch.arange(height) + moves[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width) + moves[:, 1:]).clamp(0, width - 1)
    return (rows[:, :, None] * width + columns[:, None, :]).flatten(1)


def shake(images, moves, weights):
    read = images.double().flatten(2)[:, :, places(*images.shape[2:], moves)]
    return torch.tensordot(read, weights.double(), dims=([2], [0])).view(images.shape).to(images.dtype)


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    flat = gradients.double().flatten(2)
    index = places(*gradients.shape[2:], moves)
    total = torch.zeros_like(flat)
    for where, weight in zip(index, weights.double(), strict=True):
        total.scatter_add_(2, where.expand_as(flat), weight * flat)
    return total.view(gradients.shape).to(gradients.dtype)


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    seen = shake(images.double(), moves, weights.double()).to(images.dtype)
    return shake_transpose(gradient_at(seen).double(), moves, weights.double()).to(images.dtype)


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        last = 2**bits - 1
        ctx.slope = 1 - a * torch.cos(2 * math.pi * last * images.detach().double())
        return (images.double() * last).round().div(last).to(images.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return (gradient.double() * ctx.slope).to(gradient.dtype), None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    clean, dtype = images.detach().double(), images.dtype
    x, keys, path = clean, [], []
    for k in range(steps + 1):
        shown = x.to(dtype)
        with torch.no_grad():
            z = defended(shown).double()
        path.append(shown.clone())
        losses = torch.nn.CrossEntropyLoss(reduction="none")(z, labels)
        keys.append(list(zip((z.argmax(1) != labels).tolist(), losses.tolist(), strict=True)))
        if k < steps:
            leaf = shown.clone().requires_grad_()
            loss = torch.nn.NLLLoss(reduction="sum")(torch.log_softmax(stand_in(leaf), 1), labels)
            x = shown.double() + step_size * torch.autograd.grad(loss, leaf)[0].double().sign()
            x = torch.minimum(torch.maximum(x, clean - eps), clean + eps).clamp(0, 1)
    best = [max(range(steps + 1), key=lambda k: keys[k][i]) for i in range(len(images))]
    curve = [
        sum(any(keys[j][i][0] for j in range(k + 1)) for i in range(len(images))) / len(images)
        for k in range(steps + 1)
    ]
    return torch.stack([path[k][i] for i, k in enumerate(best)]), torch.tensor(curve, dtype=torch.float64)


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    from fractions import Fraction

    c = [Fraction(float(share)) for share in curve]
    if c[-1] == 1:
        return True
    if len(c) < 2 * last + 1 or c[-1] == c[0]:
        return False
    now, before = c[-1] - c[-1 - last], c[-1 - last] - c[-1 - 2 * last]
    if not now:
        return True
    ratio = now / before if before else Fraction(2)
    return ratio < 1 and now * ratio / (1 - ratio) <= Fraction(tolerance)


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    def stratified(side):
        parts = torch.linspace(0, 1, draws + 1, dtype=torch.float64)[:-1]
        return side * (parts + torch.rand(count, draws, generator=generator, dtype=torch.float64) / draws)

    order = torch.multinomial(torch.ones(count, draws, dtype=torch.float64), draws, generator=generator)
    found = torch.stack([stratified(rows), stratified(columns).gather(1, order)], dim=2)
    return torch.minimum(found.floor(), torch.tensor([rows - 1.0, columns - 1.0])).long()


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    total, queue = torch.zeros(images.shape, dtype=torch.float64), []
    for n in range(len(images)):
        for place in positions[n]:
            queue.append((n, place))
    while queue:
        now, queue = queue[:at_once], queue[at_once:]
        numbers = torch.tensor([n for n, _ in now])
        x = images.detach()[numbers].requires_grad_()
        logits = model(crops.window(x, torch.stack([place for _, place in now]), side)).double()
        slope = torch.autograd.grad(F.cross_entropy(logits, labels[numbers], reduction="sum"), x)[0]
        total.index_add_(0, numbers, slope.double())
    return (total / positions.shape[1]).to(images.dtype)


# %% grade_id: filled
def filled(images, mask):
    x, keep = images.double(), mask.double()
    kernel = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    kernel[0, 0, 1, 1] = 0
    total = F.conv2d((keep * x).flatten(0, 1)[:, None], kernel, padding=1).view_as(x)
    count = F.conv2d(keep, kernel, padding=1)
    grey = torch.full_like(x, 0.5)
    return (keep * x + (1 - keep) * torch.where(count > 0, total / count.clamp(min=1), grey)).to(images.dtype)


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    total = torch.zeros(images.shape, dtype=torch.float64)
    for _ in range(draws):
        dropped = torch.rand(images[:, :1].shape, generator=generator, dtype=torch.float64) < drop
        mask = torch.ones_like(images[:, :1], requires_grad=False).masked_fill(dropped, 0)
        seen = smooth(images.detach(), mask).detach().clone().requires_grad_()
        there = torch.autograd.grad(-model(seen).log_softmax(1).gather(1, labels[:, None]).sum(), seen)[0]
        x = images.detach().double().requires_grad_()
        total += torch.autograd.grad(filled(x, mask.double()), x, there.double())[0]
    return (total / draws).to(images.dtype)


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    from statistics import fmean, stdev

    with torch.no_grad():
        wrong = [(model(images).argmax(1) != labels).tolist() for _ in range(draws)]
    accuracies = [1 - fmean(row) for row in wrong]
    missed = [sum(column) for column in zip(*wrong, strict=True)]
    every = math.comb(draws, tries)
    once = fmean((every - math.comb(draws - w, tries)) / every for w in missed)
    return fmean(accuracies), stdev(accuracies) / draws**0.5, once, fmean(w / draws > 0.5 for w in missed)


# %% grade_id: signs
def signs(wrong, zero):
    right = wrong["clean"].logical_not()
    hidden = {name: wrong[name] > wrong["iterated"] for name in ("one step", "random", "black box")}
    hidden["unbounded"], hidden["no gradient"] = wrong["unbounded"].logical_not(), zero
    return {name: right.logical_and(column).count_nonzero().item() for name, column in hidden.items()}
