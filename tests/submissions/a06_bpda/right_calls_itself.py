"""Recursion in the place of loops: over copies, steps, windows, halves of the crops, and tries."""

EXPECTED = {}


# %% grade_id: shake
def shake(images, moves, weights):
    if len(moves) == 0:
        return torch.zeros_like(images)
    (r, c), height, width = moves[0].tolist(), *images.shape[2:]
    rows = torch.arange(r, r + height).clamp(0, height - 1)
    columns = torch.arange(c, c + width).clamp(0, width - 1)
    here = images.index_select(2, rows).index_select(3, columns)
    return weights[0] * here + shake(images, moves[1:], weights[1:])


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    def moved_back(v, by, axis):
        """Aᵀ along one axis, for one move: what lies beyond the border is added to the pixel there."""
        if by == 0:
            return v
        if by < 0:
            return moved_back(v.flip(axis), -by, axis).flip(axis)
        side = v.shape[axis]
        one = torch.cat([torch.zeros_like(v.narrow(axis, 0, 1)), v], dim=axis)  # by one: side + 1 places
        edge = one.narrow(axis, side - 1, 2).sum(axis, keepdim=True)
        return moved_back(torch.cat([one.narrow(axis, 0, side - 1), edge], dim=axis), by - 1, axis)

    if len(moves) == 0:
        return 0 * gradients
    down, right = (int(move) for move in moves[0])
    here = moved_back(moved_back(gradients, down, 2), right, 3)
    return weights[0] * here + shake_transpose(gradients, moves[1:], weights[1:])


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    def through(maps, value):
        return through(maps[1:], maps[0](value)) if maps else value

    there, back = (lambda x: shake(x, moves, weights)), (lambda v: shake_transpose(v, moves, weights))
    return through([there, gradient_at, back], images)


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        def levels(bits):
            return 2 * levels(bits - 1) + 1 if bits else 0

        u = levels(bits) * images
        ctx.save_for_backward(1 - a * torch.cos(2 * math.pi * u))
        return torch.round(u) / levels(bits)

    @staticmethod
    def backward(ctx, gradient):
        return ctx.saved_tensors[0] * gradient, None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    clean = images.detach()

    def onwards(x, best, ever, record, curve, left):
        with torch.no_grad():
            z = defended(x)
        hit, loss = z.argmax(1).ne(labels), F.cross_entropy(z, labels, reduction="none")
        if best is None:
            best, record, old = x, loss, hit
        else:
            better = (hit & ~ever) | ((hit == ever) & (loss > record))
            best = torch.where(better.view(-1, 1, 1, 1), x, best)
            record, old = torch.where(better, loss, record), ever | hit
        curve = [*curve, old.double().mean()]
        if left == 0:
            return best.clone(), torch.stack(curve)
        leaf = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(stand_in(leaf), labels, reduction="sum"), leaf)
        moved = clean + (x + step_size * slope.sign() - clean).clamp(-eps, eps)
        return onwards(moved.clamp(0, 1), best, old, record, curve, left - 1)

    return onwards(clean.clone(), None, None, None, [], steps)


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    *earlier, now = torch.as_tensor(curve).tolist()

    def to_come(rise, ratio, windows):
        return rise * ratio + to_come(rise * ratio, ratio, windows - 1) if windows and rise > 1e-15 else 0.0

    def windows():
        middle = earlier[-last]
        return middle - earlier[-2 * last], now - middle

    if now == 1:
        return True
    if len(earlier) < 2 * last or now <= earlier[0]:
        return False
    before, rise = windows()
    if rise == 0:
        return True
    return rise < before and to_come(rise, rise / before, 500) <= tolerance


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    def shuffled(items):
        """The first is any of them, the others follow in any order."""
        if len(items) < 2:
            return items
        at = torch.randint(len(items), (), generator=generator).item()
        return [items[at], *shuffled(items[:at] + items[at + 1 :])]

    def place(part, side):
        u = (part + torch.rand((), generator=generator, dtype=torch.float64).item()) / draws
        return min(math.floor(side * u), side - 1)

    def positions():
        return [[place(i, rows), place(j, columns)] for i, j in enumerate(shuffled(list(range(draws))))]

    return torch.tensor([positions() for _ in range(count)])


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    whose = torch.arange(len(images)).repeat_interleave(positions.shape[1])

    def added(numbers):
        """The gradients of these crops, each added to its image."""
        if len(numbers) > at_once:
            half = len(numbers) // 2
            return added(numbers[:half]) + added(numbers[half:])
        x = images.detach().clone().requires_grad_()
        own = whose[numbers]
        logits = model(crops.window(x[own], positions.flatten(0, 1)[numbers], side))
        return torch.autograd.grad(F.cross_entropy(logits, labels[own], reduction="sum"), x)[0]

    return added(torch.arange(len(whose))) / positions.shape[1]


# %% grade_id: filled
def filled(images, mask):
    def beside(x, axis):
        """Each pixel, the one before and the one after, added up along an axis."""
        gap = torch.zeros_like(x.narrow(axis, 0, 1))
        long = torch.cat([gap, x, gap], dim=axis)
        return sum(long.narrow(axis, shift, x.shape[axis]) for shift in range(3))

    def around(x, axes):
        return around(beside(x, axes[0]), axes[1:]) if axes else x

    count = around(mask, (2, 3))  # a dropped pixel adds nothing to its own sum
    total = around(torch.where(mask == 1, images, 0), (2, 3))
    means = torch.where(count == 0, 0.5, total / torch.where(count == 0, 1, count))
    return torch.where(mask == 1, images, means)


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    if draws > 1:
        one = drop_gradient(model, smooth, images, labels, drop, 1, generator)
        return one / draws + drop_gradient(model, smooth, images, labels, drop, draws - 1, generator) * (1 - 1 / draws)
    chances = torch.full((len(images), 1, *images.shape[2:]), 1 - drop, dtype=images.dtype)
    mask = torch.bernoulli(chances, generator=generator)
    x = images.detach().clone().requires_grad_()
    z = smooth(images.detach(), mask).detach().requires_grad_()
    F.cross_entropy(model(z), labels, reduction="sum").backward(inputs=[z])
    painted = filled(x, mask)
    painted.backward(z.grad, inputs=[x])
    return x.grad


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    def answers(left):
        return [(model(images).argmax(1) == labels).tolist(), *answers(left - 1)] if left else []

    def spared(right, wrong, left):
        """The share of choices of so many of the answers that are right, every one of them."""
        if left == 0:
            return 1.0
        return right / (right + wrong) * spared(right - 1, wrong, left - 1) if right else 0.0

    def mean(values):
        return sum(values) / len(values)

    told = answers(draws)
    each = [mean(row) for row in told]
    error = math.sqrt(sum((a - mean(each)) ** 2 for a in each) / (draws * (draws - 1)))
    missed = [row.count(False) for row in zip(*told, strict=True)]
    once = mean([1 - spared(draws - w, w, tries) for w in missed])
    return mean(each), error, once, mean([w > draws - w for w in missed])


# %% grade_id: signs
def signs(wrong, zero):
    if len(zero) == 0:
        return dict.fromkeys(("one step", "random", "black box", "unbounded", "no gradient"), 0)
    counts = signs({name: column[1:] for name, column in wrong.items()}, zero[1:])
    first = {name: bool(column[0]) for name, column in wrong.items()}
    speaks = {name: first[name] and not first["iterated"] for name in ("one step", "random", "black box")}
    speaks |= {"unbounded": not first["unbounded"], "no gradient": bool(zero[0])}
    return {name: counts[name] + (speaks[name] and not first["clean"]) for name in counts}
