"""What every defense that transforms promises: a module images -> images, put in front of the network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.toys import pictures
from tests.support.traces import unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """A defense with its settings.

    Attributes:
        name: of the test.
        make: builds the module; a ``random`` one takes the ``generator`` that it draws from.
        random: draws.
        bad: by argument, values that ``make`` must refuse by its name.
    """

    name: str
    make: Callable[..., nn.Module]
    random: bool = False
    bad: Mapping[str, tuple] = field(default_factory=dict)


steady, drawing = only(lambda case: not case.random), only(lambda case: case.random)


def built(case: Case, seed: int | None = 0, device: str = "cpu") -> nn.Module:
    draws = {"generator": None if seed is None else seeded(seed, device)} if case.random else {}
    return case.make(**draws).eval().to(device)


def photographs(n: int = 5, channels: int = 3, **more: torch.dtype) -> Tensor:
    return pictures(n, channels, height=12, width=16, **more)


@over(device=DEVICES, dtype=DTYPES, channels=(1, 3))
def check_images_become_images(case: Case, device: str, dtype: torch.dtype, channels: int) -> None:
    images = photographs(channels=channels, dtype=dtype).to(device)
    before = images.clone()
    result = built(case, device=device)(images)
    assert result.shape == images.shape and result.dtype == dtype and result.device == images.device
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1
    assert not torch.equal(result, before)


def check_what_it_is_given_stays(case: Case) -> None:
    images = photographs()
    before = images.clone()
    result = built(case)(images)
    assert torch.equal(images, before)
    assert result.data_ptr() != images.data_ptr()


def check_nothing_else_has_changed(case: Case) -> None:
    defense = built(case)
    with unchanged(defense), undrawn():
        defense(photographs())


@drawing
def check_a_generator_decides_all(case: Case) -> None:
    images = photographs()
    one, again, other = (built(case, seed)(images) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


@drawing
def check_without_a_generator_the_global_state_draws(case: Case) -> None:
    images, defense = photographs(), built(case, seed=None)
    torch.manual_seed(0)
    one, other = defense(images), defense(images)
    torch.manual_seed(0)
    assert torch.equal(defense(images), one) and not torch.equal(one, other)


@drawing
def check_every_image_has_its_own_draw(case: Case) -> None:
    images = photographs(1).repeat(8, 1, 1, 1)
    assert len(built(case)(images).flatten(1).unique(dim=0)) > 1


@steady
def check_a_batch_gives_what_single_images_give(case: Case) -> None:
    images, defense = photographs(), built(case)
    alone = torch.cat([defense(images[[i]]) for i in range(len(images))])
    torch.testing.assert_close(defense(images), alone, rtol=0, atol=1e-9)


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    for name, values in case.bad.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.make(**{name: value})
