"""Small classes collect draws, crops and answers; four numbers come back as a named tuple."""

EXPECTED = {}


# %% grade_id: crop_positions
from dataclasses import dataclass


@dataclass
class Parts:
    """The parts of [0, 1), each with a number in it."""

    count: int
    generator: torch.Generator

    def numbers(self):
        inside = torch.rand(self.count, generator=self.generator, dtype=torch.float64)
        return torch.lerp(
            torch.arange(self.count, dtype=torch.float64), torch.arange(1.0, self.count + 1).double(), inside
        ).div(self.count)

    def shuffled(self):
        keys = torch.rand(self.count, generator=self.generator, dtype=torch.float64)
        return self.numbers()[keys.sort().indices]


def crop_positions(count, draws, rows, columns, generator):
    parts, result = Parts(draws, generator), []
    for _ in range(count):
        u, v = parts.numbers() * rows, parts.shuffled() * columns
        result.append(torch.stack([u.long().clamp(max=rows - 1), v.long().clamp(max=columns - 1)], dim=1))
    return torch.stack(result)


# %% grade_id: crop_gradient
from dataclasses import dataclass, field


@dataclass
class Purse:
    """Crops wait here until there are enough of them for a call."""

    size: int
    show: object
    waiting: list = field(default_factory=list)

    def put(self, number, place):
        self.waiting.append((number, place))
        if len(self.waiting) == self.size:
            self.empty()

    def empty(self):
        if self.waiting:
            numbers, chosen = zip(*self.waiting, strict=True)
            self.show(torch.tensor(numbers), torch.stack(chosen))
            self.waiting.clear()


def crop_gradient(model, images, labels, side, positions, at_once):
    sums = [torch.zeros_like(image, requires_grad=False) for image in images]

    def show(numbers, chosen):
        x = images.detach().index_select(0, numbers).requires_grad_()
        loss = F.cross_entropy(model(crops.window(x, chosen, side)), labels[numbers], reduction="sum")
        for number, slope in zip(numbers.tolist(), torch.autograd.grad(loss, x)[0], strict=True):
            sums[number] = sums[number] + slope

    purse = Purse(at_once, show)
    for number, own in enumerate(positions):
        for place in own:
            purse.put(number, place)
    purse.empty()
    return torch.stack(sums) / positions.shape[1]


# %% grade_id: drop_gradient
from dataclasses import dataclass


@dataclass
class Draw:
    mask: torch.Tensor
    slope: torch.Tensor

    def back(self, images):
        x = images.detach().clone().requires_grad_()
        (filled(x, self.mask) * self.slope).sum().backward()
        return x.grad


def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    def draw():
        kept = torch.rand(len(images), images[0, 0].numel(), generator=generator, dtype=images.dtype) >= drop
        mask = kept.to(images.dtype).view(-1, 1, *images.shape[2:])
        z = smooth(images.detach(), mask).detach().clone().requires_grad_()
        return Draw(mask, torch.autograd.grad(F.cross_entropy(model(z), labels, reduction="sum"), z)[0])

    return sum(draw().back(images) for _ in range(draws)) / draws


# %% grade_id: judge
from typing import NamedTuple


class Verdict(NamedTuple):
    accuracy: float
    error: float
    once: float
    most: float


def judge(model, images, labels, draws, tries):
    from collections import Counter

    rights = [model(images).detach().argmax(1).eq(labels) for _ in range(draws)]
    shares = torch.stack([right.double().mean() for right in rights])
    missed = Counter((draws - sum(right.int() for right in rights)).tolist())
    every, total = math.comb(draws, tries), missed.total()
    once = sum(count * (1 - math.comb(draws - w, tries) / every) for w, count in missed.items()) / total
    most = sum(count for w, count in missed.items() if 2 * w > draws) / total
    return Verdict(shares.mean().item(), shares.var().div(draws).sqrt().item(), once, most)


# %% grade_id: signs
def signs(wrong, zero):
    def count(*speaks):
        return sum(all(row) for row in zip((~wrong["clean"]).tolist(), *(s.tolist() for s in speaks), strict=True))

    missed = ~wrong["iterated"]
    counts = {name: count(wrong[name], missed) for name in ("one step", "random", "black box")}
    return counts | {"unbounded": count(~wrong["unbounded"]), "no gradient": count(zero)}
