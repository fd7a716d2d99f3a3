"""AdvProp: adversarial examples for clean accuracy, with a BatchNorm of their own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from advcourse.core.running import BATCH_NORMS
from advcourse.defenses._crafting import Crafter, crafted, grown
from advcourse.training import Loss, standard_loss


class SplitBatchNorm(nn.Module):
    """Two BatchNorms with weights and statistics of their own: the main one, and the one of attacked images.

    Args:
        norm: becomes the main one; the auxiliary one begins as its copy.
    """

    def __init__(self, norm: nn.Module):
        super().__init__()
        self.main, self.auxiliary = norm, copy.deepcopy(norm)
        self.chosen = "main"

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, self.chosen)(x)


def split_batchnorm(network: nn.Module) -> nn.Module:
    """A copy of a network in which every BatchNorm is a ``SplitBatchNorm``; through the main ones it answers as before.

    Raises:
        ValueError: for a network without BatchNorm, or one that is split already.

    Source: Xie et al. 2020, arXiv:1911.09665, section 4.2.
    """
    if any(isinstance(module, SplitBatchNorm) for module in network.modules()):
        raise ValueError("network has split BatchNorms, expected plain ones: it is split already")
    if not any(isinstance(module, BATCH_NORMS) for module in network.modules()):
        raise ValueError(f"network is a {type(network).__name__} without BatchNorm, expected some to split")
    return _replaced(copy.deepcopy(network), BATCH_NORMS, SplitBatchNorm)


def main_batchnorm(network: nn.Module) -> nn.Module:
    """A copy of a split network with its main BatchNorms alone: the plain network that is used at test time."""
    return _replaced(copy.deepcopy(network), (SplitBatchNorm,), lambda split: split.main)


def _replaced(module: nn.Module, kinds: tuple, by: object) -> nn.Module:
    if isinstance(module, kinds):
        return by(module)  # type: ignore[operator]
    for name, child in module.named_children():
        setattr(module, name, _replaced(child, kinds, by))
    return module


def advprop(attack: Crafter, *, eps: float | None = None, warmup: int = 0, mode: str = "eval") -> Loss:
    """The loss of the images through the main BatchNorms, and that of attacked ones through the auxiliary ones.

    ::

        ℓ(f_main(x), y) + ℓ(f_aux(x̃), y),   x̃ an attack on f_aux

    At test time the main ones stand. The attacked images share all other weights, and sharpen them.

    Args:
        attack: ``(model, images, labels) -> images``.
        eps, warmup, mode: as in ``adversarial``.

    Raises:
        ValueError: for bad settings; in use, for a network without split BatchNorm.

    Source: Xie et al. 2020, arXiv:1911.09665, algorithm 1 and equation 3.
    """
    return grown(_advprop, attack, eps, warmup, mode)


def _advprop(model: nn.Module, images: Tensor, labels: Tensor, *, attack: Crafter, mode: str) -> Tensor:
    with _auxiliary(model):
        moved = crafted(attack, model, images, labels, mode)
        attacked = standard_loss(model, moved, labels)
    return standard_loss(model, images, labels) + attacked


@contextmanager
def _auxiliary(model: nn.Module) -> Iterator[None]:
    """Inside, the auxiliary BatchNorms stand for the main ones."""
    splits = [module for module in model.modules() if isinstance(module, SplitBatchNorm)]
    if not splits:
        raise ValueError("model has no split BatchNorm, expected split_batchnorm(network)")
    for split in splits:
        split.chosen = "auxiliary"
    try:
        yield
    finally:
        for split in splits:
            split.chosen = "main"
