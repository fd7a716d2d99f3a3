"""NumPy reads, adds and counts; automatic differentiation is told of it by functions of its own."""

EXPECTED = {}


# %% grade_id: shake
import numpy as np


def shake(images, moves, weights):
    x = images.numpy()
    total = np.zeros_like(x)
    for (r, c), w in zip(moves.numpy(), weights.numpy(), strict=True):
        rows, columns = np.arange(x.shape[2]) + r, np.arange(x.shape[3]) + c
        total += w * x.take(rows, axis=2, mode="clip").take(columns, axis=3, mode="clip")
    return torch.from_numpy(total)


# %% grade_id: shake_transpose
import numpy as np


def shake_transpose(gradients, moves, weights):
    v = gradients.numpy()
    total = np.zeros_like(v)
    for (r, c), w in zip(moves.numpy(), weights.numpy(), strict=True):
        rows = np.clip(np.arange(v.shape[2]) + r, 0, v.shape[2] - 1)
        columns = np.clip(np.arange(v.shape[3]) + c, 0, v.shape[3] - 1)
        np.add.at(total, (slice(None), slice(None), rows[:, None], columns[None]), w * v)
    return torch.from_numpy(total)


# %% grade_id: shake_gradient
import numpy as np


def shake_gradient(gradient_at, images, moves, weights):
    n, channels, height, width = images.shape
    units = torch.eye(height * width, dtype=images.dtype).view(-1, 1, height, width)
    rows = shake(units, moves, weights).numpy().reshape(height * width, -1)  # row p: what the pixel p is read for
    seen = (images.numpy().reshape(n, channels, -1) @ rows).reshape(images.shape)
    slope = gradient_at(torch.from_numpy(seen)).detach().numpy().reshape(n, channels, -1)
    return torch.from_numpy(np.einsum("pq,ncq->ncp", rows, slope).reshape(images.shape))


# %% grade_id: staircase
import numpy as np


class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        x, ctx.levels, ctx.a = images.detach().numpy(), (1 << bits) - 1, a
        ctx.save_for_backward(images)
        return torch.from_numpy(np.rint(x * ctx.levels) / x.dtype.type(ctx.levels))

    @staticmethod
    def backward(ctx, gradient):
        x = ctx.saved_tensors[0].detach().numpy()
        slope = 1 - ctx.a * np.cos(2 * np.pi * ctx.levels * x)
        return gradient * torch.from_numpy(slope.astype(x.dtype)), None, None


# %% grade_id: attack_through
import numpy as np


def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    clean, y, each = images.detach().numpy(), labels.numpy(), np.arange(len(images))
    x, path, fooled, losses = clean.copy(), [], [], []
    for k in range(steps + 1):
        with torch.no_grad():
            z = defended(torch.from_numpy(x)).numpy()
        shifted = z - z.max(axis=1, keepdims=True)
        path.append(x.copy())
        fooled.append(z.argmax(axis=1) != y)
        losses.append(np.log(np.exp(shifted).sum(axis=1)) - shifted[each, y])
        if k < steps:
            leaf = torch.from_numpy(x.copy()).requires_grad_()
            loss = F.cross_entropy(stand_in(leaf), labels, reduction="sum")
            up = np.sign(torch.autograd.grad(loss, leaf)[0].numpy())
            x = np.clip(np.clip(x + step_size * up, clean - eps, clean + eps), 0, 1).astype(clean.dtype)
    fooled, losses = np.stack(fooled), np.stack(losses)
    best = np.lexsort((losses, fooled), axis=0)[-1]
    curve = np.logical_or.accumulate(fooled, axis=0).mean(axis=1)
    return torch.from_numpy(np.stack(path)[best, each]), torch.from_numpy(curve)


# %% grade_id: may_stop
import numpy as np


def may_stop(curve, last, tolerance):
    c = np.asarray(curve)
    if np.isclose(c[-1], 1):
        return True
    if c.size < 2 * last + 1 or not c[-1] > c[0]:
        return False
    first, second = np.diff(c[[-1 - 2 * last, -1 - last, -1]])
    return second == 0 or (second < first and second**2 / (first - second) <= tolerance)


# %% grade_id: crop_positions
import numpy as np


def crop_positions(count, draws, rows, columns, generator):
    inside = torch.rand(2, count, draws, generator=generator, dtype=torch.float64).numpy()
    order = np.argsort(torch.rand(count, draws, generator=generator, dtype=torch.float64).numpy(), axis=1)
    u, v = (np.arange(draws) + inside) / draws
    v = np.take_along_axis(v, order, axis=1)
    found = np.floor(np.stack([rows * u, columns * v], axis=-1)).astype(np.int64)
    return torch.from_numpy(np.minimum(found, [rows - 1, columns - 1]))


# %% grade_id: crop_gradient
import numpy as np


def crop_gradient(model, images, labels, side, positions, at_once):
    n, draws = positions.shape[:2]
    whose = np.repeat(np.arange(n), draws)
    total = np.zeros(images.shape, images.detach().numpy().dtype)
    parts = np.array_split(np.arange(n * draws), -(-n * draws // at_once))
    for part in parts:
        numbers = torch.from_numpy(whose[part])
        x = images.detach()[numbers].requires_grad_()
        logits = model(crops.window(x, positions.reshape(-1, 2)[torch.from_numpy(part)], side))
        loss = F.cross_entropy(logits, labels[numbers], reduction="sum")
        np.add.at(total, whose[part], torch.autograd.grad(loss, x)[0].numpy())
    return torch.from_numpy(total / draws)


# %% grade_id: filled
import numpy as np


class Painted(torch.autograd.Function):
    """A linear map of the pixels of each image, plus a constant."""

    @staticmethod
    def forward(ctx, images, maps, constants):
        ctx.maps = maps
        x = images.detach().numpy().reshape(*images.shape[:2], -1)
        return torch.from_numpy(np.einsum("npq,ncq->ncp", maps, x) + constants[:, None]).view(images.shape)

    @staticmethod
    def backward(ctx, gradient):
        g = gradient.numpy().reshape(*gradient.shape[:2], -1)
        return torch.from_numpy(np.einsum("npq,ncp->ncq", ctx.maps, g)).view(gradient.shape), None, None


def filled(images, mask):
    height, width = images.shape[2:]
    keep = mask.detach().numpy().reshape(len(images), -1)
    row, column = np.divmod(np.arange(height * width), width)
    near = np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column)) == 1
    weights = near * keep[:, None]
    count = weights.sum(axis=2, keepdims=True)
    means = np.divide(weights, count, out=np.zeros_like(weights), where=count > 0)
    maps = np.where(keep[:, :, None] == 1, np.eye(height * width, dtype=keep.dtype), means)
    lonely = (keep == 0) & (count[..., 0] == 0)
    return Painted.apply(images, maps, (0.5 * lonely).astype(keep.dtype))


# %% grade_id: drop_gradient
import numpy as np


def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    total = np.zeros(images.shape, images.detach().numpy().dtype)
    for _ in range(draws):
        drawn = torch.rand(len(images), *images.shape[2:], generator=generator, dtype=torch.float64).numpy()
        mask = torch.from_numpy((drawn >= drop).astype(total.dtype)[:, None])
        seen = smooth(images.detach(), mask).detach().clone().requires_grad_()
        loss = F.cross_entropy(model(seen), labels, reduction="sum")
        there = torch.autograd.grad(loss, seen)[0]
        x = images.detach().clone().requires_grad_()
        total += torch.autograd.grad(filled(x, mask), x, there)[0].numpy()
    return torch.from_numpy(total / draws)


# %% grade_id: judge
import numpy as np
from scipy.special import comb


def judge(model, images, labels, draws, tries):
    with torch.no_grad():
        right = np.stack([(model(images).argmax(1) == labels).numpy() for _ in range(draws)])
    each, correct = right.mean(axis=1), right.sum(axis=0)
    once = 1 - comb(correct, tries, exact=False) / comb(draws, tries, exact=True)
    return each.mean(), np.std(each, ddof=1) / np.sqrt(draws), once.mean(), np.mean(2 * (draws - correct) > draws)


# %% grade_id: signs
import numpy as np


def signs(wrong, zero):
    names = ["one step", "random", "black box", "unbounded", "no gradient"]
    clean, iterated = wrong["clean"].numpy(), wrong["iterated"].numpy()
    table = np.stack([wrong[n].numpy() & ~iterated for n in names[:3]] + [~wrong["unbounded"].numpy(), zero.numpy()])
    return dict(zip(names, table[:, ~clean].sum(axis=1).tolist(), strict=True))
