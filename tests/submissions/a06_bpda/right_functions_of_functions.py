"""torch.func: vmap over the copies, grad and vjp in the place of leaves, one image written down for the batch."""

EXPECTED = {}


# %% grade_id: shake
def shake(images, moves, weights):
    height, width = images.shape[2:]

    def copy(move, weight):
        rows = (torch.arange(height) + move[0]).clamp(0, height - 1)
        columns = (torch.arange(width) + move[1]).clamp(0, width - 1)
        return weight * images[:, :, rows[:, None], columns]

    return torch.func.vmap(copy)(moves, weights).sum(0)


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    height, width = gradients.shape[2:]

    def back(move, weight):
        rows = (torch.arange(height) + move[0]).clamp(0, height - 1)
        columns = (torch.arange(width) + move[1]).clamp(0, width - 1)
        down = torch.zeros_like(gradients).index_add(2, rows, gradients)
        return weight * torch.zeros_like(gradients).index_add(3, columns, down)

    return torch.func.vmap(back)(moves, weights).sum(0)


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    from functools import partial, reduce

    maps = partial(shake, moves=moves, weights=weights), gradient_at
    return partial(shake_transpose, moves=moves, weights=weights)(reduce(lambda x, f: f(x), maps, images))


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(images, bits, a):
        return torch.round(images * (2**bits - 1)) / (2**bits - 1)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.rest = inputs[1:]

    @staticmethod
    def backward(ctx, gradient):
        bits, a = ctx.rest

        def smooth(x):
            u = (2**bits - 1) * x
            return (u - a / (2 * torch.pi) * (2 * torch.pi * u).sin()) / (2**bits - 1)

        return torch.func.vjp(smooth, *ctx.saved_tensors)[1](gradient)[0], None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    slope = torch.func.grad(lambda x: -stand_in(x).log_softmax(1).gather(1, labels[:, None]).sum())

    def stronger(one, other):
        """Of two (image, fooled, loss) the stronger, image by image."""
        (x, hit, loss), (y, fooled, more) = one, other
        better = torch.where(hit == fooled, more > loss, fooled)
        return tuple(torch.where(better.view(-1, *[1] * (a.dim() - 1)), b, a) for a, b in zip(one, other, strict=True))

    x, best, curve = images.detach().clone(), None, []
    for k in range(steps + 1):
        z = defended(x).detach()
        now = x, z.max(1).indices != labels, z.logsumexp(1) - z.gather(1, labels[:, None])[:, 0]
        best = now if best is None else stronger(best, now)
        curve.append(best[1].double().mean())
        if k < steps:
            x = torch.clamp(x + step_size * slope(x).sign(), images - eps, images + eps).clamp(0, 1).detach()
    return best[0].clone(), torch.tensor(curve)


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    curve = torch.as_tensor(curve, dtype=torch.float64)
    done = bool(curve[-1] >= 1)
    if done or len(curve) <= 2 * last:
        return done
    a, b, c = curve[torch.tensor([-1 - 2 * last, -1 - last, -1])]
    risen, nothing, shrinking = c > curve[0], c == b, c - b < b - a
    enough = (c - b).square() <= tolerance * (2 * b - a - c)
    return bool(risen & (nothing | (shrinking & enough)))


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    sides = torch.tensor([rows, columns])
    parts = torch.rand(count, draws, 2, generator=generator, dtype=torch.float64).argsort(1)
    u = (parts + torch.rand(parts.shape, generator=generator, dtype=torch.float64)) / draws

    def floored(u, side):
        return torch.minimum((u * side).floor().long(), side - 1)

    return torch.func.vmap(floored, in_dims=(2, 0), out_dims=2)(u, sides)


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    def loss(x, places, y):
        return F.cross_entropy(model(crops.window(x, places, side)), y, reduction="sum")

    numbers = torch.arange(len(images)).repeat_interleave(positions.shape[1])
    found = [
        torch.func.grad(loss)(images.detach()[part], places, labels[part])
        for part, places in zip(numbers.split(at_once), positions.flatten(0, 1).split(at_once), strict=True)
    ]
    return torch.cat(found).detach().unflatten(0, positions.shape[:2]).mean(1)


# %% grade_id: filled
def filled(images, mask):
    def one(image, keep):
        """(C, H, W) and (1, H, W)."""
        wide, seen = F.pad(image * keep, (1, 1, 1, 1)), F.pad(keep, (1, 1, 1, 1))

        def around(x):
            nine = x.unfold(1, 3, 1).unfold(2, 3, 1)
            return nine.sum((-1, -2)) - nine[..., 1, 1]

        total, count = around(wide), around(seen)
        means = torch.where(count > 0, total / torch.where(count > 0, count, 1), 0.5)
        return keep * image + (1 - keep) * means

    return torch.func.vmap(one)(images, mask)


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    x = images.detach()

    def one():
        mask = torch.rand(len(x), 1, *x.shape[2:], generator=generator, dtype=x.dtype).ge(drop).to(x.dtype)
        slope = torch.func.grad(lambda z: F.cross_entropy(model(z), labels, reduction="sum"))
        _, back = torch.func.vjp(lambda pixels: filled(pixels, mask), x)
        return back(slope(smooth(x, mask).detach()).detach())[0]

    return torch.stack([one() for _ in range(draws)]).mean(0).detach()


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    with torch.no_grad():
        right = torch.stack([model(images).argmax(1) == labels for _ in range(draws)])

    def once(answers):
        """The share of choices with a wrong answer: 1 - Π (1 - w / (D - i))."""
        wrong = (~answers).sum().double()
        return 1 - torch.prod((1 - wrong / (draws - torch.arange(tries, dtype=torch.float64))).clamp_min(0))

    each = right.double().mean(1)
    most = torch.func.vmap(lambda answers: ((~answers).sum() > draws / 2).double(), in_dims=1)(right)
    error = torch.std(each, correction=1) / math.sqrt(draws)
    return each.mean(), error, torch.func.vmap(once, in_dims=1)(right).mean(), most.mean()


# %% grade_id: signs
def signs(wrong, zero):
    def speaks(clean, iterated, unbounded, zero, *weaker):
        return torch.stack([*(w & ~iterated for w in weaker), ~unbounded, zero]) & ~clean

    columns = [wrong[name] for name in ("clean", "iterated", "unbounded")], [zero]
    columns = [*sum(columns, []), wrong["one step"], wrong["random"], wrong["black box"]]
    counts = torch.func.vmap(speaks)(*columns).sum(0).tolist()
    return dict(zip(("one step", "random", "black box", "unbounded", "no gradient"), counts, strict=True))
