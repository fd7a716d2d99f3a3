"""What every black-box method promises: it sees an oracle alone, and keeps to its budget image by image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.blackbox import Oracle, OracleError, QueryBudgetExceeded
from advcourse.core.running import count_passes
from tests.contracts.contract import DEVICES, DTYPES, flags, only, over
from tests.support.affine import length
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.toys import smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """A method with its settings.

    Attributes:
        name: of the test.
        method: ``(oracle, images, labels, *, seed, indices) -> images``, by queries, from keyed streams.
        reveals: settings of the ``Oracle`` that it asks.
        queries: for each image, with which it fools an ordinary network.
        bound: norm and radius that the perturbation keeps, where it promises one.
        stops: asks nothing about an image that it has fooled: what comes back was its last query.
        models: takes a model as well.
        blind: has something to return for an image that it could not ask about.
        bad: by argument, values that must be refused by its name.
    """

    name: str
    method: Callable[..., Tensor]
    reveals: Mapping[str, Any]
    queries: int
    bound: tuple[str, float] | None = None
    stops: bool = True
    models: bool = False
    blind: bool = False
    bad: Mapping[str, tuple] = field(default_factory=dict)

    @property
    def attack(self) -> Callable[..., Tensor]:
        """What is tested: cases of one method share it."""
        return self.method


class Watched(Oracle):
    """An oracle that remembers what it was asked, and whether it had to refuse."""

    def __init__(self, model: nn.Module, **settings: Any):
        super().__init__(model, **settings)
        self.asked: list[tuple[Tensor, Tensor]] = []
        self.refusals = 0

    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Any:
        try:
            answers = super().__call__(x, rows)
        except QueryBudgetExceeded:
            self.refusals += 1
            raise
        self.asked.append((x.detach().clone(), torch.arange(len(x)) if rows is None else rows.clone()))
        return answers

    def last(self, row: int) -> Tensor:
        """What was asked last about the image."""
        x, rows = next((x, rows) for x, rows in reversed(self.asked) if (rows == row).any())
        return x[(rows == row).nonzero()[-1, 0]]


def asking(case: Case, model: nn.Module, queries: int | None = None) -> Watched:
    return Watched(model, budget=case.queries if queries is None else queries, **case.reveals)


def run(case: Case, model: nn.Module, images: Tensor, labels: Tensor, **more: Any) -> Tensor:
    return case.method(asking(case, model), images, labels, **{"seed": 0, **more})


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@over(device=DEVICES, dtype=DTYPES)
def check_result_is_images_in_the_box_and_the_ball(case: Case, device: str, dtype: torch.dtype) -> None:
    model, images, labels = scene(device=device, dtype=dtype)
    result = run(case, model, images, labels)
    assert result.shape == images.shape and result.dtype == dtype and result.device == images.device
    assert not result.requires_grad and result.data_ptr() != images.data_ptr()
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1
    assert not torch.equal(result, images)
    if case.bound:
        norm, radius = case.bound
        assert length(result - images, norm).max() <= radius * (1 + 1e-5)


def check_the_budget_is_kept_and_never_asked_beyond(case: Case) -> None:
    """And what was found until it is spent comes back."""
    model, images, labels = scene()
    for queries in (0, 1, 2, 7, 20, case.queries):
        oracle = asking(case, model, queries)
        with count_passes(model) as passes:
            result = case.method(oracle, images, labels, seed=0)
        billed = oracle.queries(torch.arange(len(images)))
        assert (billed <= queries).all() and oracle.refusals == 0, f"{billed}, {queries} for each image"
        assert passes.forwards == billed.sum() == oracle.queries().sum(), "not all queries went through the oracle"
        assert result.shape == images.shape and result.isfinite().all()
        if queries == 0 and not case.blind:
            assert torch.equal(result, images)


def check_no_gradient_is_taken(case: Case) -> None:
    model, images, labels = scene()
    with count_passes(model) as passes:
        run(case, model, images, labels)
    assert passes.forwards > 0 and passes.backwards == 0


@over(mode=MODES)
def check_nothing_else_has_changed(case: Case, mode: str) -> None:
    model, images, labels = scene()
    with unchanged(in_use(model, mode), images.requires_grad_(), labels):
        run(case, model, images, labels)


def check_seed_and_place_decide_all_draws(case: Case) -> None:
    """No global random state is read or moved, and queries are billed to the place."""
    model, images, labels = scene()
    places, oracle = torch.arange(5, 5 + len(images)), asking(case, model)
    with undrawn():
        one, again = (run(case, model, images, labels, seed=seed) for seed in (1, 1))
        case.method(oracle, images, labels, seed=1, indices=places)
    assert torch.equal(one, again)
    assert (oracle.queries()[:5] == 0).all() and (oracle.queries()[5:] > 0).all()


def check_an_image_among_others_is_as_alone(case: Case) -> None:
    """Whatever their order, in what comes back and in what it costs."""
    model, images, labels = scene()
    oracle, order = asking(case, model), torch.tensor([3, 0, 5, 2, 1, 4])
    together = case.method(oracle, images, labels, seed=0)
    turned = case.method(asking(case, model), images[order], labels[order], seed=0, indices=order)
    same(turned, together[order])
    for i in range(len(images)):
        single, place = asking(case, model), torch.tensor([i])
        same(case.method(single, images[[i]], labels[[i]], seed=0, indices=place), together[[i]])
        assert single.queries(place) == oracle.queries(place)


def check_the_misclassified_come_back_untouched_at_one_query(case: Case) -> None:
    model, images, labels = scene()
    labels[::2] = (labels[::2] + 3) % 4
    oracle = asking(case, model)
    result = case.method(oracle, images, labels, seed=0)
    assert torch.equal(result[::2], images[::2]) and not torch.equal(result[1::2], images[1::2])
    assert (oracle.queries()[::2] <= 1).all()


@only(lambda case: case.stops)
def check_nothing_is_asked_after_success(case: Case) -> None:
    model, images, labels = scene(12)
    oracle = asking(case, model)
    result = case.method(oracle, images, labels, seed=0)
    fooled = (model(result).argmax(1) != labels).nonzero()[:, 0].tolist()
    assert fooled
    for i in fooled:
        assert torch.equal(oracle.last(i), result[i]), i


def check_an_image_without_queries_keeps_no_other_from_its_own(case: Case) -> None:
    model, images, labels = scene()
    plain, oracle = run(case, model, images, labels), asking(case, model)
    for _ in range(case.queries):
        oracle(images[:1])
    result = case.method(oracle, images, labels, seed=0)
    same(result[1:], plain[1:])
    assert oracle.queries()[0] == case.queries and oracle.refusals == 0
    assert case.blind or torch.equal(result[:1], images[:1])


def check_what_was_found_is_kept_where_the_oracle_fails(case: Case) -> None:
    model, images, labels = scene()
    for passes in (0, 1, 3):
        failing = asking(case, _Fails(model, passes))
        try:
            result = case.method(failing, images, labels, seed=0)
        except OracleError as error:
            result, said = error.images, str(error)
        else:
            said = "out of order" if passes else "nothing"
        assert "out of order" in said and result is not None, f"it says {said!r}"
        assert result.shape == images.shape and result.min() >= 0 and result.max() <= 1


class _Fails(nn.Module):
    """Another model, so many times."""

    def __init__(self, model: nn.Module, passes: int):
        super().__init__()
        self.model, self.passes = model, passes

    def forward(self, x: Tensor) -> Tensor:
        self.passes -= 1
        if self.passes < 0:
            raise RuntimeError("out of order")
        return self.model(x)


def check_nan_is_an_error_of_the_oracle(case: Case) -> None:
    model, images, labels = scene()

    def breaks(x: Tensor) -> Tensor:
        return model(x) * torch.nan

    said = ""
    try:
        run(case, breaks, images, labels)
    except OracleError as error:
        said = str(error)
    assert "answered query 0 of the call with NaN" in said, f"it says {said!r}"


def check_it_fools_an_ordinary_network(case: Case) -> None:
    model, images, labels = scene(12)
    result = run(case, model, images, labels)
    assert (model(result).argmax(1) != labels).sum() >= 6


def check_any_shape_and_number_of_channels(case: Case) -> None:
    for channels, height, width in ((1, 5, 9), (3, 17, 31), (4, 12, 4)):
        model, images, labels = scene(2, channels=channels, height=height, width=width)
        result = run(case, model, images, labels)
        assert result.shape == images.shape and result.isfinite().all()


def check_bad_arguments_are_refused_by_name(case: Case) -> None:
    model, images, labels = scene()
    oracle = asking(case, model)
    for name, bad in (
        ("images", {"images": images * 2}),
        ("images", {"images": images[0]}),
        ("labels", {"labels": labels[1:]}),
        ("labels", {"labels": labels.double()}),
        ("seed", {"seed": -1}),
        ("indices", {"indices": torch.arange(len(images)).double()}),
    ):
        given = {"images": images, "labels": labels, **bad}
        with refused(f"{name}.*expected", name):
            case.method(oracle, given.pop("images"), given.pop("labels"), **given)
    for name, values in {**flags(case.method), **case.bad}.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.method(oracle, images, labels, **{name: value})


@only(lambda case: not case.models)
def check_a_model_in_the_oracles_place_is_refused(case: Case) -> None:
    model, images, labels = scene()
    with refused("oracle is a .*expected a blackbox.Oracle", "a model"):
        case.method(model, images, labels)


def check_what_reveals_too_little_is_refused(case: Case) -> None:
    """A list or scores where the method asks for less are another matter: it takes them, or says what it needs."""
    model, images, labels = scene()
    for reveals in ({"reveals": "logits"}, {"reveals": "top_k", "k": 2}, {"reveals": "label"}):
        oracle, said = Watched(model, budget=5, **reveals), "reveals what is expected"
        try:
            case.method(oracle, images, labels, seed=0)
        except ValueError as error:
            said = str(error) if not oracle.asked else "it has asked before"
        assert "reveals" in said and "expected" in said, f"it says {said!r}"


def aimed(method: Callable[..., Tensor], **settings: Any) -> Callable[..., Tensor]:
    """A targeted method that needs a start, towards the likeliest class of the scene's network but the label."""

    def attack(oracle: Any, images: Tensor, labels: Tensor, **more: Any) -> Tensor:
        given = {"targets": labels, "start": images}
        if images.dim() == 4 and labels.dtype == torch.int64 and labels.shape == images.shape[:1]:
            given = _aims(images, labels)
        return method(oracle, images, labels, **{**given, **settings, **more})

    return attack


def _aims(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Targets, and for each image one that the network takes for its target, or nearly."""
    model = smooth_cnn(images.shape[1], dtype=images.dtype).to(images.device)
    blocks = torch.rand(1000, images.shape[1], 2, 2, generator=seeded(), dtype=torch.float64).round().to(images)
    pool = F.interpolate(blocks, size=tuple(images.shape[2:])).contiguous()
    with torch.no_grad():
        targets = model(images.detach()).scatter(1, labels[:, None], -torch.inf).argmax(1)
        scores = model(pool)
    return {"targets": targets, "start": pool[(scores - scores.amax(1, keepdim=True))[:, targets].argmax(0)]}
