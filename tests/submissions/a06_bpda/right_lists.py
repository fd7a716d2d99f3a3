"""Lists and comprehensions, put together at the end."""

EXPECTED = {}


# %% grade_id: shake
def shake(images, moves, weights):
    height, width = images.shape[2:]

    def seen(i, j):
        return sum(
            w * images[:, :, max(0, min(i + r, height - 1)), max(0, min(j + c, width - 1))]
            for (r, c), w in zip(moves.tolist(), weights, strict=True)
        )

    return torch.stack([torch.stack([seen(i, j) for j in range(width)], dim=2) for i in range(height)], dim=2)


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    height, width = gradients.shape[2:]
    given = [[[] for _ in range(width)] for _ in range(height)]
    for (r, c), w in zip(moves.tolist(), weights, strict=True):
        for i in range(height):
            for j in range(width):
                p, q = sorted((0, i + r, height - 1))[1], sorted((0, j + c, width - 1))[1]
                given[p][q].append(w * gradients[:, :, i, j])
    nothing = torch.zeros_like(gradients[:, :, 0, 0])
    return torch.stack([torch.stack([sum(g, nothing) for g in row], dim=-1) for row in given], dim=-2)


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    copies = [shake(images, moves[k : k + 1], weights[k : k + 1]) for k in range(len(moves))]
    slope = gradient_at(torch.stack(copies).sum(0))
    back = [shake_transpose(slope, moves[k : k + 1], weights[k : k + 1]) for k in range(len(moves))]
    return torch.stack(back).sum(0)


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        ctx.frequency, ctx.a = 2 * math.pi * (2**bits - 1), a
        ctx.save_for_backward(images)
        levels = [round(v * (2**bits - 1)) / (2**bits - 1) for v in images.flatten().tolist()]
        return torch.tensor(levels, dtype=images.dtype).view(images.shape)

    @staticmethod
    def backward(ctx, gradient):
        (images,) = ctx.saved_tensors
        slopes = [1 - ctx.a * math.cos(ctx.frequency * v) for v in images.flatten().tolist()]
        return gradient * torch.tensor(slopes, dtype=images.dtype).view(images.shape), None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    def slope_at(x):
        x = x.clone().requires_grad_()
        losses = F.nll_loss(F.log_softmax(stand_in(x), dim=1), labels, reduction="none")
        return torch.autograd.grad(losses, x, torch.ones_like(losses))[0]

    path = [images.detach().clone()]
    while len(path) <= steps:
        moved = path[-1] + step_size * slope_at(path[-1]).sign()
        path.append((images + (moved - images).clamp(-eps, eps)).clamp(0, 1).detach())
    with torch.no_grad():
        said = [defended(x) for x in path]
    hits = [(z.argmax(1) != labels).tolist() for z in said]
    losses = [F.cross_entropy(z, labels, reduction="none").tolist() for z in said]
    order = [sorted(range(steps + 1), key=lambda k: (hits[k][i], losses[k][i])) for i in range(len(images))]
    first = [next((k for k in range(steps + 1) if hits[k][i]), steps + 1) for i in range(len(images))]
    curve = [sum(f <= k for f in first) / len(first) for k in range(steps + 1)]
    return torch.stack([path[ranks[-1]][i] for i, ranks in enumerate(order)]), torch.tensor(curve)


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    match [round(float(share), 12) for share in curve]:
        case [*_, 1.0]:
            return True
        case [start, *rest] if len(rest) >= 2 * last and rest[-1] > start:
            ends = [start, *rest][::-last][:3]
            now, before = ends[0] - ends[1], ends[1] - ends[2]
            return now == 0 or (now < before and now / (1 - now / before) - now <= tolerance)
    return False


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    def parts():
        inside = torch.rand(draws, generator=generator, dtype=torch.float64).tolist()
        return [(i + u) / draws for i, u in enumerate(inside)]

    def one():
        u, v, order = parts(), parts(), torch.randperm(draws, generator=generator).tolist()
        return [[min(int(rows * a), rows - 1), min(int(columns * v[i]), columns - 1)] for a, i in zip(u, order)]

    return torch.tensor([one() for _ in range(count)], dtype=torch.int64)


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    n, draws = positions.shape[:2]
    leaves = [image[None].detach().clone().requires_grad_() for image in images]
    asked = [(i, k) for k in range(draws) for i in range(n)]
    parts = [asked[start : start + at_once] for start in range(0, len(asked), at_once)]
    for part in parts:
        x = torch.cat([leaves[i] for i, _ in part])
        places = torch.stack([positions[i, k] for i, k in part])
        own = labels[[i for i, _ in part]]
        loss = F.cross_entropy(model(crops.window(x, places, side)), own, reduction="sum")
        used = list({i: leaves[i] for i, _ in part}.values())
        loss.backward(inputs=used)
    return torch.cat([leaf.grad for leaf in leaves]) / draws


# %% grade_id: filled
def filled(images, mask):
    height, width = images.shape[2:]

    def painted(n, i, j):
        if mask[n, 0, i, j]:
            return images[n, :, i, j]
        kept = [
            images[n, :, p, q]
            for p in range(max(i - 1, 0), min(i + 2, height))
            for q in range(max(j - 1, 0), min(j + 2, width))
            if mask[n, 0, p, q]
        ]
        return torch.stack(kept).mean(0) if kept else 0.5 + 0 * images[n, :, i, j]

    rows = [
        [torch.stack([painted(n, i, j) for j in range(width)], dim=1) for i in range(height)]
        for n in range(len(images))
    ]
    return torch.stack([torch.stack(own, dim=1) for own in rows])


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    shape = (draws, len(images), 1, *images.shape[2:])
    masks = torch.rand(shape, generator=generator, dtype=torch.float64).ge(drop).to(images.dtype).unbind()
    x = images.detach().clone().requires_grad_()
    seen = [smooth(images.detach(), mask).detach().clone().requires_grad_() for mask in masks]
    losses = [F.cross_entropy(model(z), labels, reduction="sum") for z in seen]
    slopes = torch.autograd.grad(losses, seen)
    return torch.autograd.grad([filled(x, mask) for mask in masks], x, slopes)[0] / draws


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    from itertools import combinations

    told = [model(images).argmax(1).tolist() for _ in range(draws)]
    wrong = [[said != y for said in own] for *own, y in zip(*told, labels.tolist(), strict=True)]
    accuracy = [1 - sum(row) / len(row) for row in zip(*wrong, strict=True)]
    mean = math.fsum(accuracy) / draws
    error = math.dist(accuracy, [mean] * draws) / math.sqrt((draws - 1) * draws)
    choices = [[any(some) for some in combinations(own, tries)] for own in wrong]
    once = [sum(own) / len(own) for own in choices]
    return mean, error, sum(once) / len(once), sum(own.count(True) > own.count(False) for own in wrong) / len(wrong)


# %% grade_id: signs
def signs(wrong, zero):
    sets = {name: set(column.nonzero().flatten().tolist()) for name, column in (wrong | {"zero": zero}).items()}
    right = set(range(len(zero))) - sets["clean"]
    counts = {name: len((sets[name] & right) - sets["iterated"]) for name in ("one step", "random", "black box")}
    return counts | {"unbounded": len(right - sets["unbounded"]), "no gradient": len(right & sets["zero"])}
