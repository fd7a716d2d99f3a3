"""Products of matrices: one-hot rows, a table of neighbours, permutations as matrices, sums as products with ones."""

EXPECTED = {}


# %% grade_id: shake
def hot(moves, size):
    """(K, size, size): row i has a one where place i is read."""
    return F.one_hot((torch.arange(size) + moves[:, None]).clamp(0, size - 1), size)


def shake(images, moves, weights):
    rows, columns = (hot(moves[:, axis], images.shape[2 + axis]).to(images.dtype) for axis in (0, 1))
    return torch.einsum("k,kip,kjq,ncpq->ncij", weights, rows, columns, images)


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    height, width = gradients.shape[2:]
    rows = torch.eye(height, dtype=gradients.dtype)[(moves[:, :1] + torch.arange(height)).clamp(0, height - 1)]
    columns = torch.eye(width, dtype=gradients.dtype)[(moves[:, 1:] + torch.arange(width)).clamp(0, width - 1)]
    return torch.einsum("k,kip,kjq,ncij->ncpq", weights, rows, columns, gradients)


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    height, width = images.shape[2:]
    units = torch.eye(height * width, dtype=images.dtype).view(-1, 1, height, width)
    columns = shake(units, moves, weights).flatten(1)  # row p: A of the unit image p, which is a column of A
    seen = torch.einsum("ncp,pq->ncq", images.flatten(2), columns).view_as(images)
    return torch.einsum("ncq,pq->ncp", gradient_at(seen).flatten(2), columns).view_as(images)


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        levels = torch.linspace(0, 1, 2**bits, dtype=images.dtype)
        ctx.save_for_backward(images, torch.tensor([a], dtype=images.dtype))
        ctx.last = 2**bits - 1
        return (torch.arange(2**bits, dtype=images.dtype) / ctx.last)[(images[..., None] - levels).abs().argmin(-1)]

    @staticmethod
    def backward(ctx, gradient):
        images, a = ctx.saved_tensors
        half = torch.sin(torch.pi * ctx.last * images)
        return torch.einsum("...,...->...", gradient, 1 - a + 2 * a * half * half), None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    low, high = (images.detach() - eps).clamp(0, 1), (images.detach() + eps).clamp(0, 1)
    path, tables = [images.detach().clone()], []
    for k in range(steps + 1):
        tables.append(defended(path[k]).detach().log_softmax(1))
        if k < steps:
            x = path[k].clone().requires_grad_()
            own = F.one_hot(labels, tables[0].shape[1]).to(x.dtype)
            total = -torch.einsum("nk,nk->", stand_in(x).log_softmax(1), own)
            path.append((path[k] + step_size * torch.autograd.grad(total, x)[0].sign()).clamp(low, high))
    tables = torch.stack(tables, dim=1)  # (N, m + 1, K)
    losses = -tables[torch.arange(len(labels)), :, labels]
    fooled = tables.argmax(2) != labels[:, None]
    allowed = fooled | ~fooled.any(1, keepdim=True)
    best = F.one_hot(losses.masked_fill(~allowed, -torch.inf).argmax(1), steps + 1).to(images.dtype)
    ever = (fooled.double() @ torch.ones(steps + 1, steps + 1, dtype=torch.float64).triu()).clamp(max=1)
    return torch.einsum("nk,knchw->nchw", best, torch.stack(path)), ever.mean(0)


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    c = torch.as_tensor(curve).double()
    if c[-1] == 1:
        return True
    if c.numel() - 1 < 2 * last or c[-1] == c[0]:
        return False
    differences = torch.tensor([[-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]], dtype=torch.float64)
    before, now = (differences @ c[[-2 * last - 1, -last - 1, -1]]).tolist()
    if now == 0:
        return True
    return before > now and now / (before / now - 1) <= tolerance


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    orders = torch.stack([torch.randperm(draws, generator=generator) for _ in range(count)])
    permutations = F.one_hot(orders, draws).double()
    u, v = torch.rand(2, count, draws, generator=generator, dtype=torch.float64).add(torch.arange(draws)) / draws
    v = torch.einsum("nij,nj->ni", permutations, v)
    return torch.stack([(rows * u).long().clamp(max=rows - 1), (columns * v).long().clamp(max=columns - 1)], dim=2)


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    n, draws = positions.shape[:2]
    whose = F.one_hot(torch.arange(n).repeat_interleave(draws), n).to(images.dtype)
    result = torch.zeros_like(images, requires_grad=False)
    for start in range(0, n * draws, at_once):
        part = slice(start, min(start + at_once, n * draws))
        x = torch.einsum("bn,nchw->bchw", whose[part], images.detach()).requires_grad_()
        logits = model(crops.window(x, positions.reshape(-1, 2)[part], side))
        loss = F.cross_entropy(logits, whose[part].argmax(1) * 0 + labels[whose[part].argmax(1)], reduction="none")
        (slope,) = torch.autograd.grad(loss.sum(), x)
        result = result + torch.einsum("bn,bchw->nchw", whose[part], slope) / draws
    return result


# %% grade_id: filled
def filled(images, mask):
    height, width = images.shape[2:]

    def beside(size):
        """Ones on the diagonal and beside it."""
        i = torch.arange(size)
        return ((i[:, None] - i).abs() <= 1).to(images.dtype)

    near = torch.kron(beside(height), beside(width)) - torch.eye(height * width, dtype=images.dtype)
    keep = mask.flatten(2)
    count = keep @ near
    total = (keep * images.flatten(2)) @ near
    means = total / count.clamp_min(1) + 0.5 * (count < 0.5)
    return (keep * images.flatten(2) + (1 - keep) * means).view_as(images)


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    n, shape = len(images), images.shape[1:]
    mask = torch.rand(draws, n, 1, *shape[1:], generator=generator, dtype=images.dtype).ge(drop).to(images.dtype)
    many = images.detach().expand(draws, *images.shape).flatten(0, 1)
    seen = smooth(many, mask.flatten(0, 1)).detach().clone().requires_grad_()
    losses = F.cross_entropy(model(seen), labels.repeat(draws), reduction="none")
    there = torch.autograd.grad(losses, seen, torch.ones_like(losses))[0]
    x = many.clone().requires_grad_()
    product = torch.einsum("bchw,bchw->", filled(x, mask.flatten(0, 1)), there)
    found = torch.autograd.grad(product, x)[0].view(draws, *images.shape)
    return torch.einsum("k,knchw->nchw", torch.full((draws,), 1 / draws, dtype=images.dtype), found)


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    with torch.no_grad():
        wrong = torch.stack([(model(images).argmax(1) != labels).double() for _ in range(draws)])
    n, each = len(images), 1 - wrong @ torch.full((len(images),), 1 / len(images), dtype=torch.float64)
    about = (torch.eye(draws, dtype=torch.float64) - 1 / draws) @ each
    variance = about @ about / (draws - 1)
    missed = torch.bincount(wrong.sum(0).long(), minlength=draws + 1).double() / n  # shares of the images
    table = [1 - math.comb(draws - w, tries) / math.comb(draws, tries) for w in range(draws + 1)]
    once = missed @ torch.tensor(table, dtype=torch.float64)
    most = missed @ (2 * torch.arange(draws + 1) > draws).double()
    return float(each.mean()), float((variance / draws).sqrt()), float(once), float(most)


# %% grade_id: signs
def signs(wrong, zero):
    names = ("one step", "random", "black box", "unbounded", "no gradient")
    fools = torch.stack([wrong[name] for name in names[:3]]).long()
    says = torch.cat([fools * (1 - wrong["iterated"].long()), 1 - wrong["unbounded"][None].long(), zero[None].long()])
    return {name: int(count) for name, count in zip(names, says @ (1 - wrong["clean"].long()), strict=True)}
