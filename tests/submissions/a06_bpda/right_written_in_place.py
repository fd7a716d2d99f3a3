"""Buffers of its own are written in place: slices of the border, masks of the better ones, one leaf for all crops."""

EXPECTED = {}


# %% grade_id: shake
def shake(images, moves, weights):
    total, copy = torch.zeros_like(images), torch.empty_like(images)
    height, width = images.shape[2:]
    for (r, c), w in zip(moves.tolist(), weights.tolist(), strict=True):
        for i in range(height):
            copy[:, :, i] = images[:, :, min(max(i + r, 0), height - 1)]
        source = copy.clone()
        for j in range(width):
            copy[..., j] = source[..., min(max(j + c, 0), width - 1)]
        total.add_(copy, alpha=w)
    return total


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    total = torch.zeros_like(gradients)
    height, width = gradients.shape[2:]
    for k in range(len(moves)):
        rows = torch.arange(height).add_(moves[k, 0]).clamp_(0, height - 1)
        columns = torch.arange(width).add_(moves[k, 1]).clamp_(0, width - 1)
        everything = torch.meshgrid(*(torch.arange(n) for n in gradients.shape[:2]), rows, columns, indexing="ij")
        total.index_put_(everything, gradients * weights[k], accumulate=True)
    return total


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    result = torch.zeros_like(images)
    slope = gradient_at(shake(images, moves, weights))
    for move, weight in zip(moves, weights, strict=True):  # A is a sum, and so is its transpose
        result += shake_transpose(slope, move[None], weight[None])
    return result


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        ctx.save_for_backward(images)
        ctx.steps, ctx.a = 2**bits - 1, a
        return images.clone().mul_(ctx.steps).round_().div_(ctx.steps)

    @staticmethod
    def backward(ctx, gradient):
        slope = ctx.saved_tensors[0].clone().mul_(2 * math.pi * ctx.steps).cos_()
        return slope.mul_(-ctx.a).add_(1).mul_(gradient), None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    x, best = images.detach().clone(), images.detach().clone()
    ever = torch.zeros(len(x), dtype=torch.bool)
    record = torch.full((len(x),), -torch.inf, dtype=x.dtype)
    curve = torch.empty(steps + 1)
    for k in range(steps + 1):
        logits = defended(x.clone()).detach()
        hit = logits.argmax(1) != labels
        loss = F.cross_entropy(logits, labels, reduction="none").to(x.dtype)
        record[hit & ~ever] = -torch.inf  # the first time that it is fooled counts more than any loss before
        better = (loss > record) & (hit | ~ever)
        best[better], record[better] = x[better], loss[better]
        ever |= hit
        curve[k] = ever.float().mean()
        if k < steps:
            x.requires_grad_()
            slope = torch.autograd.grad(F.cross_entropy(stand_in(x), labels, reduction="sum"), x)[0]
            x = x.detach().add_(slope.sign_(), alpha=step_size)
            x.sub_(images.detach()).clamp_(-eps, eps).add_(images.detach()).clamp_(0, 1)
    return best, curve


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    c = list(curve)
    answer = False
    if len(c) >= 2 * last + 1 and c[-1] > c[0]:
        new = float(c[-1] - c[-1 - last])
        old = float(c[-1 - last] - c[-1 - 2 * last])
        answer = new == 0
        if 0 < new < old:
            answer = new * new / (old - new) <= tolerance
    if c[-1] == 1:
        answer = True
    return answer


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    result = torch.empty(count, draws, 2, dtype=torch.int64)
    for axis, side in ((0, rows), (1, columns)):
        u = torch.empty(count, draws, dtype=torch.float64).uniform_(0, 1, generator=generator)
        u.add_(torch.arange(draws)).mul_(side).div_(draws).floor_().clamp_(0, side - 1)
        if axis:
            for own in u:
                for last in range(draws - 1, 0, -1):  # Fisher and Yates
                    other = torch.randint(0, last + 1, (1,), generator=generator).item()
                    own[[last, other]] = own[[other, last]]
        result[..., axis] = u
    return result


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    x = images.detach().clone().requires_grad_()
    draws = positions.shape[1]
    for first in range(0, len(x) * draws, at_once):
        numbers = torch.arange(first, min(first + at_once, len(x) * draws))
        own = numbers // draws
        logits = model(crops.window(x[own], positions[own, numbers % draws], side))
        F.cross_entropy(logits, labels[own], reduction="sum").div(draws).backward(inputs=[x])
    return x.grad


# %% grade_id: filled
def filled(images, mask):
    total, count = torch.zeros_like(images), torch.zeros_like(mask)
    height, width = images.shape[2:]
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                here = (..., slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0)))
                there = (..., slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0)))
                total[here] += (images * mask)[there]
                count[here] += mask[there]
    total[(count == 0).expand_as(total)] = 0.5
    count[count == 0] = 1
    return torch.where(mask.bool(), images, total / count)


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    x = images.detach().clone().requires_grad_()
    for _ in range(draws):
        mask = torch.empty(len(x), 1, *x.shape[2:], dtype=x.dtype).bernoulli_(1 - drop, generator=generator)
        seen = smooth(images.detach(), mask).detach().clone()
        seen.requires_grad_()
        (there,) = torch.autograd.grad(F.cross_entropy(model(seen), labels, reduction="sum"), seen)
        torch.autograd.backward(filled(x, mask), there, inputs=[x])
    return x.grad.div_(draws)


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    wrong, accuracies = torch.zeros(len(images)), torch.zeros(draws, dtype=torch.float64)
    for d in range(draws):
        missed = model(images).detach().argmax(1) != labels
        wrong += missed
        accuracies[d] = 1 - missed.double().mean()
    spared = torch.ones(len(images), dtype=torch.float64)
    for i in range(tries):
        spared.mul_((draws - wrong - i).clamp_(min=0)).div_(draws - i)
    most = (wrong > draws / 2).double().mean()
    return accuracies.mean(), accuracies.std(unbiased=True) / math.sqrt(draws), spared.neg_().add_(1).mean(), most


# %% grade_id: signs
def signs(wrong, zero):
    counts = {}
    for name in ("one step", "random", "black box"):
        speaks = wrong[name].clone()
        speaks &= ~wrong["iterated"]
        speaks &= ~wrong["clean"]
        counts[name] = int(speaks.sum())
    counts["unbounded"] = len(zero) - int((wrong["clean"] | wrong["unbounded"]).sum())
    counts["no gradient"] = int(zero[~wrong["clean"]].sum())
    return counts
