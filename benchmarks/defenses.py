"""Every defense that transforms, attacked with and without knowing it: ``python -m benchmarks.defenses``.

A model that draws is judged by fresh draws, in the mean. What knows the defense is PGD through it, its gradient
replaced where it has none (``bpda``) and averaged where it is random (``eot``), after several numbers of steps: where
the last of these still took images the row is no bound. ``--autoattack`` adds AutoAttack's version for random models.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from tqdm import tqdm

from advcourse import data, models
from advcourse.attacks import pgd
from advcourse.core.running import predict
from advcourse.defenses import (
    JPEG,
    BitDepth,
    Blur,
    CropResize,
    Defended,
    Quilting,
    ResizePad,
    SoftQuilting,
    TotalVariation,
    sample_patches,
)
from advcourse.evaluation import autoattack
from advcourse.wrappers import Transform, bpda, eot
from benchmarks.report import table

NETWORK, EPS = "cifar10/resnet20", 8 / 255
PATCHES, PATCH = 10_000, 3


def patches(part: int) -> Tensor:
    """Of one half of a thousand training images: 0 the defender's, 1 others."""
    images = data.load("cifar10", "train", n=1000)[0][500 * part : 500 * (part + 1)]
    return sample_patches(images, PATCHES, PATCH, generator=torch.Generator().manual_seed(part))


def quilting(guess: int) -> tuple[nn.Module, Transform]:
    """The defender's, and what an attacker with the patches of that part differentiates."""
    theirs = patches(guess)
    passed = bpda(Quilting(theirs, k=5, overlap=1), SoftQuilting(theirs, near=10, overlap=1))
    return Quilting(patches(0), k=5, overlap=1), passed


def as_it_is(make: Callable[[], nn.Module]) -> tuple[nn.Module, Transform]:
    defense = make()
    return defense, defense


def by_identity(make: Callable[[], nn.Module]) -> tuple[nn.Module, Transform]:
    defense = make()
    return defense, bpda(defense)


@dataclass(frozen=True)
class Method:
    """A defense: what makes it and what an attack differentiates in its place, and draws a step where it is random."""

    make: Callable[[], tuple[nn.Module, Transform]]
    draws: int = 1


METHODS = {
    "blur, σ 0.5": Method(partial(as_it_is, partial(Blur, 0.5))),
    "blur, σ 0.7": Method(partial(as_it_is, partial(Blur, 0.7))),
    "3 bits": Method(partial(by_identity, partial(BitDepth, 3))),
    "JPEG 75": Method(partial(by_identity, partial(JPEG, 75))),
    "JPEG 50": Method(partial(by_identity, partial(JPEG, 50))),
    "denoising autoencoder": Method(partial(as_it_is, partial(models.load, "cifar10/denoiser"))),
    "crop and rescale, 26 of 32": Method(partial(as_it_is, partial(CropResize, 26 / 32)), 8),
    "resize and pad": Method(partial(as_it_is, ResizePad), 8),
    "drop 0.3 and total variation": Method(partial(by_identity, partial(TotalVariation, 0.3, 0.03, 60)), 8),
    "quilting, patches known": Method(partial(quilting, 0), 4),
    "quilting, patches of one's own": Method(partial(quilting, 1), 4),
}


@dataclass(frozen=True)
class Judged:
    """Accuracies behind one defense, and milliseconds of it for an image."""

    clean: float
    signs: float
    unaware: float
    aware: list[float]
    autoattack: float | None
    milliseconds: float


def accuracy(defense: nn.Module, network: nn.Module, images: Tensor, labels: Tensor, draws: int) -> float:
    """The mean over fresh draws, of which a defense that does not draw needs one."""
    whole, hits = Defended(defense, network), []
    for seed in range(draws):
        generator = torch.Generator(images.device).manual_seed(1000 + seed)
        answers = predict(lambda x, g=generator: whole(x, g), images).argmax(1)
        hits.append((answers == labels).float().mean().item())
    return sum(hits) / len(hits)


def attacked(
    name: str, network: nn.Module, images: Tensor, labels: Tensor, steps: int, draws: int | None = None
) -> Tensor:
    """By PGD through the defense, or what stands in for it, of the mean over so many draws where it is random."""
    method = METHODS[name]
    seen_as = method.make()[1]
    passed: nn.Module = Defended(seen_as, network)
    number = draws or method.draws
    if method.draws > 1:
        passed = eot(network, seen_as, number, generator=torch.Generator().manual_seed(0))
    loss = "nll" if method.draws > 1 else "ce"
    return pgd(passed, images, labels, eps=EPS, steps=steps, step_size=max(2.5 / steps, 0.1) * EPS, loss=loss)


def over_draws(name: str, count: int, steps: int, numbers: Sequence[int], judges: int) -> list[str]:
    """A random defense: accuracy under the attack that averages so many draws a step, at the same number of steps."""
    network, images, labels = right_ones(count)
    defense = METHODS[name].make()[0]
    found = []
    for number in tqdm(numbers, desc=name, leave=False):
        made = attacked(name, network, images, labels, steps, number)
        found.append(f"{accuracy(defense, network, made, labels, judges):.0%}")
    return [name, *found]


def right_ones(count: int) -> tuple[nn.Module, Tensor, Tensor]:
    """The network, and the first test images that it has right without a defense."""
    network = models.load(NETWORK).eval()
    images, labels, _ = data.load("cifar10", "test", n=2 * count)
    right = (predict(network, images).argmax(1) == labels).nonzero()[:count, 0]
    return network, images[right], labels[right]


def judged(name: str, count: int, steps: Sequence[int], draws: int, rand: bool) -> Judged:
    """One defense on the first images that the bare network has right."""
    network, images, labels = right_ones(count)
    method = METHODS[name]
    defense, seen_as = method.make()
    often = draws if method.draws > 1 else 1
    judge = partial(accuracy, defense, network, labels=labels, draws=often)
    generator = torch.Generator().manual_seed(0)
    signs = (images + EPS * torch.randn(images.shape, generator=generator).sign()).clamp(0, 1)
    unaware = pgd(network, images, labels, eps=EPS, steps=max(steps))
    aware = []
    for number in tqdm(steps, desc=name, leave=False):
        aware.append(judge(attacked(name, network, images, labels, number)))
    reached = None
    if rand:
        torch.manual_seed(0)
        reached = judge(autoattack(Defended(seen_as, network), images, labels, eps=EPS, version="rand"))
    before = time.process_time()
    with torch.no_grad():
        defense(images)
    milliseconds = 1000 * (time.process_time() - before) / count
    return Judged(judge(images), judge(signs), judge(unaware), aware, reached, milliseconds)


def lines(found: dict[str, Judged]) -> list[list[str]]:
    rows = []
    for name, one in found.items():
        shares = [one.clean, one.signs, one.unaware, *one.aware]
        last = "" if one.autoattack is None else f"{one.autoattack:.0%}"
        rows.append([name, *(f"{share:.0%}" for share in shares), last, f"{one.milliseconds:.2g}"])
    return rows


def head(steps: Sequence[int]) -> list[str]:
    aware = [f"knows it, {number} steps" for number in steps]
    return ["defense", "clean", "random signs", "does not know it", *aware, "AutoAttack rand", "ms an image"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.defenses", description=__doc__)
    parser.add_argument("--images", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 40, 100], help="of PGD (%(default)s)")
    parser.add_argument("--draws", type=int, default=5, help="to judge a random model by (%(default)s)")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="NAME")
    parser.add_argument("--autoattack", action="store_true", help="run AutoAttack's version for random models too")
    parser.add_argument("--averaged", type=int, nargs="+", help="draws a step, at the last of --steps; nothing else")
    options = parser.parse_args()
    if options.averaged:
        rows = []
        for name in options.methods:
            if METHODS[name].draws > 1:
                rows.append(over_draws(name, options.images, options.steps[-1], options.averaged, options.draws))
                print("  ".join(rows[-1]), flush=True)
        print(table(["defense", *(f"{number} draws a step" for number in options.averaged)], rows))
        return
    found = {}
    for name in options.methods:
        found[name] = judged(name, options.images, options.steps, options.draws, options.autoattack)
        print("  ".join(lines({name: found[name]})[0]), flush=True)
    print(table(head(options.steps), lines(found)))


if __name__ == "__main__":
    main()
