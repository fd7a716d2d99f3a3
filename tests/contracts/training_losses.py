"""What every loss ``(model, images, labels) -> scalar`` promises to the trainer."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.running import counted
from advcourse.training import fit
from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import pictures
from tests.support.traces import MODES, in_use, unchanged


@dataclass(frozen=True)
class Case:
    """A loss with its settings.

    Attributes:
        name: of the test.
        held: the loss, of which every test takes a copy of its own.
        random: it draws from torch's global generators.
        of_the_batch: something besides the mean is decided by all images together.
        passes: rows that go forward through the model and rows of gradient that come back to its logits, of one image,
            with the backward pass of the loss.
        looks: how often a training BatchNorm takes in the statistics of a batch.
        network: what the loss wants of a network, network -> network.
        make: takes the settings that ``bad`` names.
        bad: by argument, values that ``make`` must refuse by its name.
    """

    name: str
    held: Callable[[nn.Module, Tensor, Tensor], Tensor]
    random: bool = False
    of_the_batch: bool = False
    passes: tuple[int, int] = (1, 1)
    looks: int = 1
    network: Callable[[nn.Module], nn.Module] = copy.deepcopy
    make: Callable[..., Any] | None = None
    bad: dict[str, tuple] = field(default_factory=dict)

    @property
    def loss(self) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
        return copy.deepcopy(self.held)

    def scene(self, n: int = 6, **options: Any) -> tuple[nn.Module, Tensor, Tensor]:
        model, images, labels = scene(n, **options)
        return self.network(model), images, labels


@over(device=DEVICES, dtype=DTYPES)
def check_it_is_a_finite_scalar(case: Case, device: str, dtype: torch.dtype) -> None:
    model, images, labels = case.scene(device=device, dtype=dtype)
    value = case.loss(model.train(), images, labels)
    assert value.dim() == 0 and value.is_floating_point() and value.device == images.device
    assert value.isfinite() and value.requires_grad


def check_its_gradient_reaches_every_parameter(case: Case) -> None:
    model, images, labels = case.scene()
    case.loss(model, images, labels).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def check_a_small_step_teaches_the_labels(case: Case) -> None:
    """Whatever else it asks for: the cross-entropy of the images themselves falls."""
    model, images, labels = case.scene()
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
    model, images, labels = case.scene()
    with unchanged(in_use(model, mode), images, labels, buffers=mode == "eval"):
        case.loss(model, images, labels)


def check_it_is_the_mean_over_the_images(case: Case) -> None:
    """Of shares of a batch the trainer takes the mean weighted by their sizes."""
    model, images, labels = case.scene()
    whole = case.loss(model, images, labels).item()
    alone = sum(case.loss(model, images[[i]], labels[[i]]).item() for i in range(len(images))) / len(images)
    if case.random or case.of_the_batch:
        assert whole / 2 < alone < 2 * whole
    else:
        assert abs(whole - alone) < 1e-9


def check_the_global_seed_decides(case: Case) -> None:
    model, images, labels = case.scene()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(case.loss(model, images, labels))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2]) != case.random


def check_it_costs_the_passes_that_it_says(case: Case) -> None:
    model, images, labels = case.scene()
    with counted(model) as (run, passes):
        case.loss(run, images, labels).backward()
    assert (passes.forwards, passes.backwards) == tuple(len(images) * each for each in case.passes)


def check_statistics_move_with_the_batches_it_trains_on_alone(case: Case) -> None:
    """The passes of an attack inside leave them."""
    model, images, labels = case.scene()
    case.loss(model.train(), images, labels)
    norm = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    assert norm.num_batches_tracked == case.looks


def check_a_run_that_is_stopped_and_resumed_ends_in_the_same_weights(case: Case) -> None:
    images = pictures(10)
    labels = (images.mean((1, 2, 3)) * 40).long() % 4
    ends = []
    with TemporaryDirectory() as folder:
        for run, stops in (("whole", (2,)), ("stopped", (1, 2))):
            for epochs in stops:
                model = case.scene()[0].train()
                optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
                options: dict[str, Any] = {"batch_size": 4, "checkpoint": Path(folder, run), "progress": False}
                fit(model, (images, labels), case.loss, epochs=epochs, optimizer=optimizer, **options)
            ends.append(torch.cat([held.flatten().double() for held in model.state_dict().values()]))
    assert torch.equal(*ends)


@only(lambda case: case.bad)
def check_bad_settings_are_refused_by_name(case: Case) -> None:
    assert case.make
    for name, values in case.bad.items():
        for value in values:
            with refused(name, f"{name}={value!r}"):
                case.make(**{name: value})
