"""What every black-box method promises: it sees an oracle alone, and keeps to its budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.core.running import Passes, count_passes
from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.affine import length
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.traces import MODES, in_use, unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """A method with its settings.

    Attributes:
        name: of the test.
        method: ``(oracle, images, labels) -> images``, by queries.
        oracle: ``(model, queries)`` builds what answers so many queries for each image and then refuses.
        queries: for each image, with which it fools an ordinary network.
        bound: norm and radius that the perturbation keeps, where it promises one.
        random: draws; then it takes a ``generator``.
        bad: by argument, values that must be refused by its name.
    """

    name: str
    method: Callable[..., Tensor]
    oracle: Callable[[nn.Module, int], Any]
    queries: int
    bound: tuple[str, float] | None = None
    random: bool = False
    bad: Mapping[str, tuple] = field(default_factory=dict)


def run(
    case: Case,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int | None = 0,
    queries: int | None = None,
    **more: Any,
) -> tuple[Tensor, Passes]:
    """The images, and what the model was really asked, whatever the oracle counts."""
    if case.random and seed is not None:
        more["generator"] = seeded(seed, images.device)
    oracle = case.oracle(model, case.queries if queries is None else queries)
    with count_passes(model) as passes:
        return case.method(oracle, images, labels, **more), passes


@over(device=DEVICES, dtype=DTYPES)
def check_result_is_images_in_the_box_and_the_ball(case: Case, device: str, dtype: torch.dtype) -> None:
    model, images, labels = scene(device=device, dtype=dtype)
    result, _ = run(case, model, images, labels)
    assert result.shape == images.shape and result.dtype == dtype and result.device == images.device
    assert not result.requires_grad and result.data_ptr() != images.data_ptr()
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1
    assert not torch.equal(result, images)
    if case.bound:
        norm, radius = case.bound
        assert length(result - images, norm).max() <= radius * (1 + 1e-5)


def check_the_budget_is_kept(case: Case) -> None:
    """And what was found until it is spent comes back."""
    model, images, labels = scene()
    for queries in (1, 2, 7, 20, case.queries):
        result, passes = run(case, model, images, labels, queries=queries)
        assert passes.forwards <= queries * len(images), f"{passes.forwards} queries, {queries} for each image"
        assert result.shape == images.shape and result.isfinite().all()


def check_no_gradient_is_taken(case: Case) -> None:
    model, images, labels = scene()
    _, passes = run(case, model, images, labels)
    assert passes.forwards > 0 and passes.backwards == 0


@over(mode=MODES)
def check_nothing_else_has_changed(case: Case, mode: str) -> None:
    model, images, labels = scene()
    with unchanged(in_use(model, mode), images.requires_grad_(), labels):
        run(case, model, images, labels)


@only(lambda case: case.random)
def check_a_generator_decides_all_and_the_global_state_stays(case: Case) -> None:
    model, images, labels = scene()
    with undrawn():
        one, again, other = (run(case, model, images, labels, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def check_the_misclassified_come_back_untouched(case: Case) -> None:
    model, images, labels = scene()
    labels[::2] = (labels[::2] + 1) % 4
    result, _ = run(case, model, images, labels)
    assert torch.equal(result[::2], images[::2]) and not torch.equal(result[1::2], images[1::2])


def check_it_fools_an_ordinary_network(case: Case) -> None:
    model, images, labels = scene(12)
    result, _ = run(case, model, images, labels)
    assert (model(result).argmax(1) != labels).sum() >= 6


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    model, images, labels = scene()
    for name, values in case.bad.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                run(case, model, images, labels, **{name: value})
