"""What every loss ``(model, images, labels) -> scalar`` promises to the trainer."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.contracts.contract import DEVICES, DTYPES, over
from tests.support.scenes import scene
from tests.support.traces import MODES, in_use, unchanged


@dataclass(frozen=True)
class Case:
    """A loss with its settings; one that is ``random`` draws from torch's global generators."""

    name: str
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor]
    random: bool = False


@over(device=DEVICES, dtype=DTYPES)
def check_it_is_a_finite_scalar(case: Case, device: str, dtype: torch.dtype) -> None:
    model, images, labels = scene(device=device, dtype=dtype)
    value = case.loss(model.train(), images, labels)
    assert value.dim() == 0 and value.is_floating_point() and value.device == images.device
    assert value.isfinite() and value.requires_grad


def check_its_gradient_reaches_every_parameter(case: Case) -> None:
    model, images, labels = scene()
    case.loss(model, images, labels).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def check_a_small_step_teaches_the_labels(case: Case) -> None:
    """Whatever else it asks for: the cross-entropy of the images themselves falls."""
    model, images, labels = scene()
    torch.manual_seed(0)
    parameters, before = list(model.parameters()), F.cross_entropy(model(images), labels)
    gradients = torch.autograd.grad(
        case.loss(model, images, labels), parameters, allow_unused=True, materialize_grads=True
    )
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= 1e-5 * gradient
    assert F.cross_entropy(model(images), labels) < before


@over(mode=MODES)
def check_nothing_else_has_changed(case: Case, mode: str) -> None:
    """Buffers move in training, as the trainer wants it."""
    model, images, labels = scene()
    with unchanged(in_use(model, mode), images, labels, buffers=mode == "eval"):
        case.loss(model, images, labels)


def check_it_is_the_mean_over_the_images(case: Case) -> None:
    """Of shares of a batch the trainer takes the mean weighted by their sizes."""
    model, images, labels = scene()
    whole = case.loss(model, images, labels).item()
    alone = sum(case.loss(model, images[[i]], labels[[i]]).item() for i in range(len(images))) / len(images)
    if case.random:
        assert whole / 2 < alone < 2 * whole
    else:
        assert abs(whole - alone) < 1e-9


def check_the_global_seed_decides(case: Case) -> None:
    model, images, labels = scene()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(case.loss(model, images, labels))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2]) != case.random
