"""Sparse matrices of SciPy and one-dimensional ones; flat index sums; probabilities by the hypergeometric law."""

EXPECTED = {}


# %% grade_id: shake
import scipy.sparse


def sparse(height, width, moves, weights):
    """A as a sparse matrix of (H·W)²: entries that fall on the same place are added up."""
    total = scipy.sparse.csr_array((height * width, height * width))
    for (r, c), w in zip(moves.tolist(), weights.tolist(), strict=True):
        along = []
        for by, size in ((r, height), (c, width)):
            read = (torch.arange(size) + by).clamp(0, size - 1).numpy()
            along.append(
                scipy.sparse.coo_array(
                    (torch.ones(size).double().numpy(), (torch.arange(size).numpy(), read)), (size, size)
                )
            )
        total = total + w * scipy.sparse.kron(*along)
    return total.tocsr()


def shake(images, moves, weights):
    a = sparse(*images.shape[2:], moves, weights)
    rows = images.flatten(2).flatten(0, 1).numpy()
    return torch.from_numpy((a @ rows.T).T.copy()).view(images.shape).to(images.dtype)


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    a = sparse(*gradients.shape[2:], moves, weights)
    rows = gradients.flatten(2).flatten(0, 1).numpy()
    return torch.from_numpy((a.T @ rows.T).T.copy()).view(gradients.shape).to(gradients.dtype)


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    a = sparse(*images.shape[2:], moves, weights)

    def times(matrix, x):
        product = matrix @ x.flatten(2).flatten(0, 1).numpy().T
        return torch.from_numpy(product.T.copy()).view(x.shape).to(x.dtype)

    return times(a.T, gradient_at(times(a, images)))


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        ctx.levels, ctx.a = 2**bits, float(a)
        ctx.save_for_backward(images.detach())
        borders = (torch.arange(ctx.levels - 1, dtype=images.dtype) + 0.5) / (ctx.levels - 1)
        return torch.bucketize(images.detach(), borders).to(images.dtype) / (ctx.levels - 1)

    @staticmethod
    def backward(ctx, gradient):
        u = (ctx.levels - 1) * ctx.saved_tensors[0]
        nearest = u - torch.round(u)  # the cosine has the period 1
        return torch.sub(1, torch.cos(2 * torch.pi * nearest), alpha=ctx.a).mul(gradient), None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    class Uphill(torch.optim.Optimizer):
        """Signed steps up, cut to the ball and the box."""

        def __init__(self, x):
            super().__init__([x], {})

        @torch.no_grad()
        def step(self):
            for x in self.param_groups[0]["params"]:
                x += step_size * x.grad.sign()
                x.copy_(torch.clamp(x, images - eps, images + eps).clamp(0, 1))
                x.grad = None

    x = images.detach().clone().requires_grad_()
    uphill, shots, marks = Uphill(x), [], []
    for k in range(steps + 1):
        shots.append(x.detach().clone())
        with torch.no_grad():
            logits = defended(shots[-1])
        others = logits.argmax(1) != labels
        marks.append(torch.stack([others.to(x.dtype), F.cross_entropy(logits, labels, reduction="none").to(x.dtype)]))
        if k < steps:
            F.cross_entropy(stand_in(x), labels, reduction="sum").backward(inputs=[x])
            uphill.step()
    hits, losses = torch.stack(marks, dim=1)
    strongest = torch.where(hits == hits.amax(0), losses, -torch.inf).argmax(0)
    chosen = torch.stack(shots).gather(0, strongest.view(1, -1, 1, 1, 1).expand(1, *images.shape))[0]
    return chosen, torch.stack([hits[: k + 1].amax(0).mean() for k in range(steps + 1)])


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    c = torch.as_tensor(curve).double().flip(0)
    if c[0].item() == 1.0:
        return True
    try:
        rises = c[0] - c[last], c[last] - c[2 * last]
    except IndexError:
        return False
    new, old = (rise.item() for rise in rises)
    if c[0] == c[-1]:
        return False
    return new == 0 or (old > new and new + tolerance >= 1 / (1 / new - 1 / old))


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    parts = torch.arange(draws).repeat(2, count, 1)
    keys = torch.randn(parts.shape, generator=generator, dtype=torch.float64)
    parts = parts.gather(2, keys.argsort(dim=2))  # rows in any order too
    u = torch.rand(parts.shape, generator=generator, dtype=torch.float64) + parts
    sides = torch.tensor([rows, columns]).view(2, 1, 1)
    found = torch.div(u * sides, draws, rounding_mode="floor").long()
    return torch.minimum(found, sides - 1).permute(1, 2, 0).contiguous()


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    n, draws = positions.shape[:2]
    copies = images.detach().repeat_interleave(draws, 0)
    slopes = []

    def note(slope):
        slopes.append(slope.detach())

    for x, places, y in zip(
        copies.split(at_once),
        positions.flatten(0, 1).split(at_once),
        labels.repeat_interleave(draws).split(at_once),
        strict=True,
    ):
        x = x.clone().requires_grad_()
        x.register_hook(note)
        F.cross_entropy(model(crops.window(x, places, side)), y, reduction="sum").backward(inputs=[x])
    return torch.cat(slopes).view(n, draws, *images.shape[1:]).mean(dim=1)


# %% grade_id: filled
def filled(images, mask):
    height, width = images.shape[2:]
    places = torch.arange(height * width)
    row, column = places // width, places % width
    one, other = [], []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            inside = (row + down >= 0) & (row + down < height) & (column + right >= 0) & (column + right < width)
            if (down, right) != (0, 0):
                one.append(places[inside])
                other.append((places + down * width + right)[inside])
    one, other = torch.cat(one), torch.cat(other)
    keep = mask.flatten(2)
    count = torch.zeros_like(keep).index_add(2, one, keep[..., other])
    pixels = images.flatten(2)
    total = torch.zeros_like(pixels).index_add(2, one, (keep * pixels)[..., other])
    means = (total / count.masked_fill(count == 0, 1)).masked_fill(count == 0, 0.5)
    return torch.lerp(means, pixels, keep).view(images.shape)


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    class Through(torch.autograd.Function):
        """`smooth` forward, `filled` backward."""

        @staticmethod
        def forward(ctx, x, mask):
            ctx.save_for_backward(x, mask)
            return smooth(x.detach(), mask).detach().clone()

        @staticmethod
        def backward(ctx, slope):
            x, mask = ctx.saved_tensors
            with torch.enable_grad():
                x = x.detach().clone().requires_grad_()
                return torch.autograd.grad(filled(x, mask), x, slope)[0], None

    x = images.detach().clone().requires_grad_()
    loss = 0
    for _ in range(draws):
        drawn = torch.rand(len(x), 1, *x.shape[2:], generator=generator, dtype=x.dtype)
        mask = torch.heaviside(drawn - drop, torch.ones((), dtype=x.dtype))
        loss = loss + F.cross_entropy(model(Through.apply(x, mask)), labels, reduction="sum") / draws
    return torch.autograd.grad(loss, x)[0]


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    from scipy.stats import hypergeom, sem

    with torch.no_grad():
        wrong = torch.stack([model(images).argmax(1) != labels for _ in range(draws)]).numpy()
    accuracy, missed = 1 - wrong.mean(axis=1), wrong.sum(axis=0)
    never = hypergeom.pmf(0, draws, missed, tries)  # no wrong answer among so many that are taken out
    return accuracy.mean(), sem(accuracy), 1 - never.mean(), (missed * 2 > draws).mean()


# %% grade_id: signs
def signs(wrong, zero):
    import pandas as pd

    table = pd.DataFrame({name: column.tolist() for name, column in wrong.items()} | {"zero": zero.tolist()})
    table = table.astype(bool)
    right = table[~table["clean"]]
    missed = right[~right["iterated"]]
    counts = {name: int(missed[name].sum()) for name in ("one step", "random", "black box")}
    return {**counts, "unbounded": int((~right["unbounded"]).sum()), "no gradient": int(right["zero"].sum())}
