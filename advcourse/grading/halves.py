"""Checks of a loss over images of which some are perturbed as well: one pass, and a mean over images."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, tensor
from advcourse.grading.penalties import same_pull


class Perturbing:
    """``(images, labels) -> images``, another change for every image and label; keeps what it was asked.

    Args:
        source: a tensor that what it returns has a graph to.
    """

    def __init__(self, source: Tensor):
        self.source = source
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        self.calls.append((images, labels))
        return perturbed(images, labels) * (1 + 0 * self.source) + 0.1 * (self.source - self.source.detach())


def perturbed(images: Tensor, labels: Tensor) -> Tensor:
    """Darker or brighter by the label, and the rows turned round."""
    return (0.8 * images.flip(2) + 0.05 * (1 + labels.view(-1, 1, 1, 1))).clamp(0, 1).to(images.dtype)


def mixes(function: Callable, network: nn.Module, images: Tensor, labels: Tensor, chosen: Tensor, beta: Tensor) -> None:
    """The mean over images of the loss of each, or of its mixture with that of its perturbed copy."""
    count = int(chosen.sum())
    name = f"{function.__name__}, {count} of {len(images)} perturbed"
    value, answers = _run(function, network, images, labels, chosen, beta, name)
    reference, x = copy.deepcopy(network).double(), images.double()
    reference.zero_grad(set_to_none=True)
    some = perturbed(x[chosen], labels[chosen])
    losses = _losses(reference, torch.cat([x, some]), torch.cat([labels, labels[chosen]]))
    share = beta.double()
    each = losses[: len(x)] * torch.where(chosen, 1 - share, 1.0)
    right = (each.sum() + (share[chosen] * losses[len(x) :]).sum()) / len(x)
    close = (1e-8, 1e-10) if images.dtype == torch.float64 else (1e-3, 1e-4)
    found = value.detach().double()
    if not torch.allclose(found, right, *close):
        for why, other in _mistaken(network, x, some, labels, chosen, share, losses.detach()).items():
            if torch.allclose(found, other, *close):
                fail(f"{name}: {why}")
        fail(f"{name} gives {found:.6g}, expected {right.item():.6g}")
    why = "perturbed images are constants (.detach()), and both halves pull"
    same_pull(value, right, answers, reference, 1e-8 if images.dtype == torch.float64 else 5e-3, name, why)


def copies_change_nothing(
    function: Callable, network: nn.Module, images: Tensor, labels: Tensor, chosen: Tensor, beta: Tensor
) -> None:
    """The same batch, and twice the batch, give the same."""
    name = function.__name__
    once = _run(function, network, images, labels, chosen, beta, name)[0]
    x, y, some, share = (torch.cat([each, each]) for each in (images, labels, chosen, beta))
    both = _run(function, network, x, y, some, share, name)[0]
    rounding = 1e-9 if images.dtype == torch.float64 else 1e-4
    if abs(once.item() - both.item()) > rounding * (1 + abs(once.item())):
        fail(f"{name} gives {once.item():.5g}, and {both.item():.5g} for all of them twice: is it a mean over images?")


def _run(
    function: Callable, network: nn.Module, images: Tensor, labels: Tensor, chosen: Tensor, beta: Tensor, name: str
) -> tuple[Tensor, nn.Module]:
    """What the function returns on copies; it has asked as it should, and left nothing."""
    model = copy.deepcopy(network)
    modes, passes = [m.training for m in model.modules()], list[int]()
    handle = model.register_forward_pre_hook(lambda m, i: passes.append(len(i[0])))
    attack = Perturbing(next(iter(model.parameters())).flatten()[:1].view(1, 1, 1, 1))
    before = [images, labels, chosen, beta]
    given = [each.clone() for each in before]
    result = function(model, *given, attack)
    handle.remove()
    for what, mine, theirs in zip(("images", "labels", "chosen", "beta"), given, before, strict=True):
        if not torch.equal(mine.detach(), theirs) or mine.requires_grad:
            fail(f"{name} changed {what}, which it was given: work on a copy")
    if [m.training for m in model.modules()] != modes:
        fail(f"{name} switched the network between train and eval mode")
    if any(p.grad is not None for p in model.parameters()):
        fail(f"{name} fills .grad: return the loss, the caller differentiates it")
    _asked(attack, images, labels, chosen, name)
    count = int(chosen.sum())
    if len(passes) != 1:
        fail(
            f"{name}: the network is run {len(passes)} times (on {', '.join(map(str, passes))} images), expected once, "
            "on both kinds of images together"
        )
    if passes[0] != len(images) + count:
        fail(f"{name}: the network is run on {passes[0]} images, expected {len(images)} + {count}")
    tensor(result, name, shape=(), dtype=images.dtype)
    return result, model


def _asked(attack: Perturbing, images: Tensor, labels: Tensor, chosen: Tensor, name: str) -> None:
    if not chosen.any():
        if attack.calls:
            fail(f"{name}: nobody is to be perturbed, and the attack is called on {len(attack.calls[0][0])} images")
        return
    if len(attack.calls) != 1:
        fail(f"{name} calls the attack {len(attack.calls)} times, expected once")
    x, y = attack.calls[0]
    if x.shape != images[chosen].shape or not torch.equal(x.detach(), images[chosen]):
        fail(f"{name} hands {len(x)} images to the attack, expected the {int(chosen.sum())} that are chosen, in order")
    if y.shape != labels[chosen].shape or not torch.equal(y, labels[chosen]):
        fail(f"{name} hands other labels to the attack than those of the chosen images")


def _losses(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(model(images), labels, reduction="none")


def _mistaken(
    network: nn.Module, x: Tensor, some: Tensor, labels: Tensor, chosen: Tensor, beta: Tensor, losses: Tensor
) -> dict[str, Tensor]:
    """What known mistakes give."""
    n, k = len(x), max(1, len(some))
    clean, moved, part = losses[:n], losses[n:], beta[chosen]
    left = torch.where(chosen, 1 - beta, 1.0)

    def weighed(left: Tensor, part: Tensor, losses: Tensor = losses) -> Tensor:
        return (left * losses[:n]).sum() + (part * losses[n:]).sum()

    def with_labels(wrong: Tensor) -> Tensor:
        found = _losses(copy.deepcopy(network).double(), torch.cat([x, some]), torch.cat([labels, wrong]))
        return weighed(left, part, found)

    def turned(share: Tensor) -> Tensor:
        return weighed(torch.where(chosen, 1 - share, 1.0), share[chosen])

    total = weighed(left, part)

    return {
        "it is a sum, expected a mean over the images": total,
        "it is divided by the number of rows, organic and perturbed: an image that has both counts twice": total
        / (n + len(some)),
        "each half has its own mean: an image counts more where few are perturbed": (left * clean).mean()
        + (part * moved).sum() / k,
        "it is the mean of all rows, whatever beta is": losses.mean(),
        "an image without a perturbed copy keeps the weight one, not 1 - beta": weighed(1 - beta, part) / n,
        "the organic loss keeps its whole weight also where an image is perturbed, expected 1 - beta": weighed(
            torch.ones_like(left), part
        )
        / n,
        "beta is the weight of the perturbed copy, 1 - beta that of the image": turned(1 - beta) / n,
        "the betas are those of the first images, expected those of the chosen ones": weighed(left, beta[: len(some)])
        / n,
        "every image has the mean beta, expected its own": turned(beta.mean().expand(n)) / n,
        "it is divided by the sum of the weights of one half": total / left.sum().clamp_min(1e-9),
        "the perturbed images have the labels of the first ones, expected their own": with_labels(labels[: len(some)])
        / n,
    }
