"""What every explanation promises: a function (model, image, label) -> map."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.toys import Constant, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """An explanation with its settings.

    Attributes:
        name: of the test.
        explain: ``(model, image, label) -> map`` of an image ``(C, H, W)``: ``(H, W)`` or the image's shape.
        random: draws; then it takes a ``generator``.
        bad: by argument, values that must be refused by its name.
    """

    name: str
    explain: Callable[..., Tensor]
    random: bool = False
    bad: Mapping[str, tuple] = field(default_factory=dict)


def run(case: Case, model: Any, image: Tensor, label: int, seed: int | None = 0, **more: Any) -> Tensor:
    if case.random and seed is not None:
        more["generator"] = seeded(seed, image.device)
    return case.explain(model, image, label, **more)


class Corner(nn.Module):
    """Two classes, told apart by how bright the upper left corner is."""

    def forward(self, x: Tensor) -> Tensor:
        bright = x[:, :, :6, :6].mean((1, 2, 3))
        return torch.stack([-5 * bright, 5 * bright], 1)


@over(device=DEVICES, dtype=DTYPES, channels=(1, 3))
def check_result_is_a_map_of_the_image(case: Case, device: str, dtype: torch.dtype, channels: int) -> None:
    model, images, labels = scene(1, channels=channels, height=12, width=16, device=device, dtype=dtype)
    result = run(case, model, images[0], int(labels))
    assert result.shape in (images[0].shape, images[0].shape[1:])
    assert result.dtype == dtype and result.device == images.device and result.isfinite().all()
    assert not result.requires_grad and result.grad_fn is None


@over(mode=MODES)
def check_nothing_else_has_changed(case: Case, mode: str) -> None:
    model, images, _ = scene(1, height=12, width=16)
    image = images[0].requires_grad_()
    with unchanged(in_use(model, mode), image):
        run(case, model, image, 1)


@only(lambda case: case.random)
def check_a_generator_decides_all_and_the_global_state_stays(case: Case) -> None:
    model, images, _ = scene(1, height=12, width=16)
    with undrawn():
        one, again, other = (run(case, model, images[0], 1, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def check_the_label_decides(case: Case) -> None:
    model, images, _ = scene(1, height=12, width=16)
    assert not torch.equal(run(case, model, images[0], 1), run(case, model, images[0], 2))


def check_what_the_network_looks_at_is_found(case: Case) -> None:
    image = torch.full((3, 12, 16), 0.2, dtype=torch.float64)
    image[:, :6, :6] = 0.7
    found = run(case, Corner(), image, 1).abs()
    elsewhere = torch.ones_like(found, dtype=torch.bool)
    elsewhere[..., :6, :6] = False
    assert found[~elsewhere].mean() > 2 * found[elsewhere].mean()


def check_a_network_that_looks_at_nothing_has_an_even_map(case: Case) -> None:
    image = scene(1, height=12, width=16)[1][0]
    result = run(case, Constant(), image, 1)
    assert result.isfinite().all() and result.max() - result.min() < 1e-9


def check_the_network_is_shown_batches(case: Case) -> None:
    """Of one image too; whatever the function that it is."""
    model, images, _ = scene(1, height=12, width=16)

    def strict(x: Tensor) -> Tensor:
        assert x.shape[1:] == images.shape[1:], f"the network is shown {tuple(x.shape)}"
        return model(x)

    torch.testing.assert_close(run(case, strict, images[0], 1), run(case, model, images[0], 1), rtol=0, atol=1e-9)


def check_it_works_inside_no_grad_and_inference_mode(case: Case) -> None:
    model, images, _ = scene(1, height=12, width=16)
    plain = run(case, model, images[0], 1)
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            assert torch.equal(run(case, model, images[0], 1), plain)


def check_bad_input_is_refused_by_name(case: Case) -> None:
    model, image = smooth_cnn(), scene(1, height=12, width=16)[1][0]
    for bad in (image[None], image + 1, image / 0, image.numpy()):
        with refused("image.*expected", bad):
            case.explain(model, bad, 1)
    for bad in (4, -1, 1.0):
        with refused("label.*expected", bad):
            case.explain(model, image, bad)


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    model, image = smooth_cnn(), scene(1, height=12, width=16)[1][0]
    for name, values in case.bad.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.explain(model, image, 1, **{name: value})
