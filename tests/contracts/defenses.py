"""What every defense that transforms promises: a module ``(images, generator=None) -> images``, put in front of the
network."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from advcourse.defenses import Defended
from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded
from tests.support.toys import pictures
from tests.support.traces import unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """A defense with its settings.

    Attributes:
        name: of the test.
        make: builds the module.
        random: draws, from the generator that it is called with.
        differentiable: an attack can follow its gradient.
        bad: by argument, values that ``make`` must refuse by its name.
    """

    name: str
    make: Callable[..., nn.Module]
    random: bool = False
    differentiable: bool = True
    bad: Mapping[str, tuple] = field(default_factory=dict)


steady, drawing = only(lambda case: not case.random), only(lambda case: case.random)


def transformed(case: Case, images: Tensor, seed: int | None = 0, defense: nn.Module | None = None) -> Tensor:
    """What a defense in eval mode makes of the images; a random one draws from a generator of that seed."""
    defense = case.make().eval().to(images.device) if defense is None else defense
    if not case.random or seed is None:
        return defense(images)
    return defense(images, generator=seeded(seed, images.device.type))


def photographs(n: int = 5, channels: int = 3, **more: torch.dtype) -> Tensor:
    return pictures(n, channels, height=12, width=16, **more)


def assert_images(result: Tensor, images: Tensor) -> None:
    assert result.shape == images.shape and result.dtype == images.dtype and result.device == images.device
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1


@over(device=DEVICES, dtype=DTYPES, channels=(1, 3))
def check_images_become_images(case: Case, device: str, dtype: torch.dtype, channels: int) -> None:
    images = photographs(channels=channels, dtype=dtype).to(device)
    before = images.clone()
    result = transformed(case, images)
    assert_images(result, images)
    assert not torch.equal(result, before)


@over(size=((17, 31), (9, 1), (1, 40)))
def check_every_size_of_image_is_taken(case: Case, size: tuple[int, int]) -> None:
    images = pictures(3, 3, *size)
    result = transformed(case, images)
    assert result.shape == images.shape and result.isfinite().all()


def check_one_image_is_taken(case: Case) -> None:
    assert transformed(case, photographs(1)).shape == photographs(1).shape


@over(dtype=(torch.float16, torch.bfloat16))
def check_half_precision_is_right_or_refused_by_name(case: Case, dtype: torch.dtype) -> None:
    images = photographs(1).mul(4).round().div(4)
    result = None
    with suppress(ValueError):
        result = transformed(case, images.to(dtype))
    if result is None:
        with refused("^images has dtype torch.*expected"):
            transformed(case, images.to(dtype))
        return
    assert_images(result, images.to(dtype))
    if not case.random:
        torch.testing.assert_close(result.double(), transformed(case, images), rtol=0, atol=0.02)


def check_what_are_no_images_is_refused_by_name(case: Case) -> None:
    images = photographs()
    nan = images.clone()
    nan[0, 0, 0, 0] = torch.nan
    bytes_ = (255 * images).byte()
    for given, what in ((nan, "NaN"), (images + 0.1, "too bright"), (-images, "negative"), (bytes_, "bytes")):
        with refused("images .*expected", what):
            transformed(case, given)
    for given in (images[0], images[None], images[:0], [images]):
        with refused("images .*expected", "another shape"):
            case.make()(given)


def check_what_it_is_given_stays(case: Case) -> None:
    images = photographs()
    before = images.clone()
    result = transformed(case, images)
    assert torch.equal(images, before)
    assert result.data_ptr() != images.data_ptr()


def check_nothing_else_has_changed(case: Case) -> None:
    defense = case.make().eval()
    with unchanged(defense), undrawn():
        transformed(case, photographs(), defense=defense)


def check_no_call_remembers_another(case: Case) -> None:
    images, defense = photographs(), case.make().eval()
    transformed(case, 0.5 * images, defense=defense)
    assert torch.equal(transformed(case, images, defense=defense), transformed(case, images))


def check_in_training_it_does_what_it_does_in_evaluation(case: Case) -> None:
    images = photographs()
    assert torch.equal(transformed(case, images, defense=case.make().train()), transformed(case, images))


def check_in_front_of_a_network_it_is_given_the_generator(case: Case) -> None:
    images, defense = 0.45 + 0.1 * photographs(), case.make().eval()
    try:
        seen = Defended(defense, nn.Flatten())(images, seeded(1))
    except TypeError as error:
        raise AssertionError("it does not take (images, generator) by their places") from error
    assert torch.equal(seen, transformed(case, images, 1).flatten(1))


@drawing
def check_a_generator_decides_all(case: Case) -> None:
    images = photographs()
    one, again, other = (transformed(case, images, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


@drawing
def check_without_a_generator_the_global_state_draws(case: Case) -> None:
    images, defense = photographs(), case.make().eval()
    torch.manual_seed(0)
    one, other = defense(images), defense(images)
    torch.manual_seed(0)
    assert torch.equal(defense(images), one) and not torch.equal(one, other)


@drawing
def check_every_image_has_its_own_draw(case: Case) -> None:
    images = photographs(1).repeat(8, 1, 1, 1)
    assert len(transformed(case, images).flatten(1).unique(dim=0)) > 1


@steady
def check_a_batch_gives_what_single_images_give(case: Case) -> None:
    images, defense = photographs(), case.make().eval()
    alone = torch.cat([defense(images[[i]]) for i in range(len(images))])
    torch.testing.assert_close(defense(images), alone, rtol=0, atol=1e-9)


@only(lambda case: case.differentiable)
def check_its_gradient_is_the_slope(case: Case) -> None:
    """Against central differences, along a direction; every image has one."""
    images = 0.1 + 0.8 * photographs()
    direction, cotangent, tiny = normal(*images.shape), normal(*images.shape, seed=1), 1e-6
    x = images.clone().requires_grad_()
    result = transformed(case, x)
    assert result.requires_grad, "what comes out has no graph"
    (gradient,) = torch.autograd.grad(result, x, cotangent)
    there, back = (transformed(case, images + way * tiny * direction) for way in (1, -1))
    slopes = ((there - back) / (2 * tiny) * cotangent).sum((1, 2, 3))
    assert (slopes != 0).all()
    torch.testing.assert_close((gradient * direction).sum((1, 2, 3)), slopes, rtol=1e-4, atol=1e-5)


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    for name, values in case.bad.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.make(**{name: value})
