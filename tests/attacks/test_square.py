"""Square Attack: the queries it makes, the squares it shows, and what the papers' bumps look like."""

import math

import pytest
import torch

from advcourse.attacks import square
from advcourse.attacks._square import _bumps, _side
from advcourse.core.balls import NORMS, norms
from advcourse.core.losses import margin
from tests.support.affine import affine, exact_distance, scattered
from tests.support.scenes import scene
from tests.support.toys import Constant, pictures

EPS = {"linf": 0.1, "l2": 0.8, "l1": 5.0}


class Asked:
    """A model that remembers what it was shown, and has no gradient."""

    def __init__(self, model):
        self.model, self.shown = model, []

    def __call__(self, x):
        assert not torch.is_grad_enabled()
        self.shown.append(x.clone())
        with torch.no_grad():
            return self.model(x)


def fooled(model, images, labels):
    return model(images).argmax(1) != labels


# -- queries


@pytest.mark.parametrize("norm", NORMS)
def test_nothing_is_asked_after_success_and_never_more_than_the_budget(norm):
    model, images, labels = scene(12)
    alone, counts = [], []
    for i in range(12):
        asked = Asked(model)
        where = torch.tensor([i])
        alone.append(square(asked, images[[i]], labels[[i]], eps=EPS[norm], norm=norm, queries=40, indices=where))
        counts.append(len(asked.shown))
        answers = [fooled(model, x, labels[[i]]).item() for x in asked.shown]
        assert not any(answers[:-1]) and len(answers) <= 40
        assert answers[-1] or len(answers) == 40
        if answers[-1]:
            assert torch.equal(asked.shown[-1], alone[-1])
    assert 2 <= min(counts) < max(counts)
    together = Asked(model)
    result = square(together, images, labels, eps=EPS[norm], norm=norm, queries=40)
    torch.testing.assert_close(result, torch.cat(alone), rtol=0, atol=1e-9)
    assert sum(len(x) for x in together.shown) == sum(counts)


@pytest.mark.parametrize(("queries", "restarts"), [(1, 1), (2, 1), (10, 3), (3, 4)])
def test_the_look_at_the_image_and_all_restarts_share_the_budget(queries, restarts):
    asked = Asked(Constant())
    images, labels = pictures(2), torch.zeros(2, dtype=torch.int64)
    square(asked, images, labels, eps=0.1, queries=queries, restarts=restarts)
    assert [len(x) for x in asked.shown] == [2] * queries and torch.equal(asked.shown[0], images)


def test_the_misclassified_cost_one_query_and_all_may_fall_at_the_start():
    model, images, labels = scene(4)
    asked = Asked(model)
    assert torch.equal(square(asked, images, (labels + 1) % 4, eps=0.1), images)
    assert len(asked.shown) == 1
    asked = Asked(lambda x: torch.stack([(x == images[:1]).flatten(1).all(1).double(), x[:, 0, 0, 0] * 0 + 0.5], 1))
    square(asked, images[:1], torch.zeros(1, dtype=torch.int64), eps=0.1)
    assert len(asked.shown) == 2


# -- what is shown


@pytest.mark.parametrize(("height", "width"), [(17, 31), (31, 17), (4, 9), (1, 1), (2, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_in_linf_stripes_and_then_squares_of_one_sign_a_channel_anywhere(height, width, channels):
    x = torch.full((1, channels, height, width), 0.5, dtype=torch.float64)
    asked = Asked(Constant())
    square(asked, x, torch.zeros(1, dtype=torch.int64), eps=0.1, queries=300, seed=1)
    clean, start, *proposals = ((shown - x)[0] for shown in asked.shown)
    assert (clean == 0).all() and torch.allclose(start, start[:, :1].expand_as(start))
    touched = torch.zeros(height, width, dtype=torch.bool)
    for i, proposal in enumerate(proposals):
        torch.testing.assert_close(proposal.abs(), torch.full_like(proposal, 0.1), rtol=0, atol=1e-12)
        changed = ((proposal - start).abs() > 1e-9).any(0)
        rows, columns = (changed.any(axis).nonzero()[:, 0] for axis in (1, 0))
        side = _side(0.8, i / 299, x, "linf")
        assert 1 <= rows.max() - rows.min() + 1 <= side and columns.max() - columns.min() + 1 <= side
        touched |= changed
    assert touched[0].any() and touched[-1].any() and touched[:, 0].any() and touched[:, -1].any()


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize(("height", "width"), [(17, 31), (31, 17), (4, 9), (1, 1), (2, 3)])
def test_in_l2_and_l1_the_ball_is_filled_and_kept_to(norm, height, width):
    images = torch.full((2, 3, height, width), 0.5, dtype=torch.float64)
    eps = {"l2": 0.1, "l1": 0.4}[norm]
    asked = Asked(lambda x: torch.stack([1 + 0 * x[:, 0, 0, 0], x[:, 0].mean((1, 2))], 1))
    square(asked, images, torch.zeros(2, dtype=torch.int64), eps=eps, norm=norm, queries=60)
    for shown in asked.shown[1:]:
        torch.testing.assert_close(norms(shown - images, norm), torch.full((2,), eps).double(), rtol=1e-6, atol=0)


def test_the_side_follows_the_papers_schedule_at_any_budget():
    x = torch.zeros(1, 1, 32, 32)
    for budget in (1000, 5000, 10000):
        assert _side(0.8, 0, x, "linf") == round(math.sqrt(0.8 * 1024)) == 29
        for after, halvings in ((0.0011, 1), (0.0051, 2), (0.021, 3), (0.051, 4), (0.11, 5), (0.41, 7), (0.81, 9)):
            p = 0.8 / 2**halvings
            assert _side(0.8, round(after * budget) / budget, x, "linf") == max(1, round(math.sqrt(p * 1024))) or (
                round(after * budget) / budget * 10000 <= {1: 10, 2: 50}.get(halvings, 0)
            )
    assert _side(0.8, 0, torch.zeros(1, 1, 17, 31), "l2") == 17 and _side(0.001, 0, x, "l2") == 3
    assert all(_side(p, 0, x, "l1") % 2 for p in (0.1, 0.2, 0.3, 0.5))


def eta(height, width, power):
    """The paper's equation for a half bump, entry by entry: rings of weight (k + 1)^-power around the middle."""
    values = torch.zeros(height, width, dtype=torch.float64)
    for r in range(height):
        for c in range(width):
            away = max(abs(r - height // 2), abs(c - width // 2))
            values[r, c] = sum((k + 1.0) ** -power for k in range(away, max(height // 2, width // 2) + 1))
    return values


@pytest.mark.parametrize(("norm", "power", "order"), [("l2", 2, 2), ("l1", 4, 1)])
@pytest.mark.parametrize("side", [1, 2, 3, 5, 8])
def test_bumps_are_the_papers(norm, power, order, side):
    lying, standing = _bumps(side, norm)
    assert torch.equal(standing, lying.T)
    assert torch.linalg.vector_norm(lying, order).item() == pytest.approx(1)
    upper, lower = lying[: side // 2], lying[side // 2 :]
    for half, sign in ((upper, 1), (lower, -1)):
        if len(half):
            expected = eta(*half.shape, power)
            torch.testing.assert_close(sign * half / half.abs().max(), expected / expected.max(), rtol=0, atol=1e-12)
    if side > 1:
        assert torch.linalg.vector_norm(upper, order).item() == pytest.approx(
            torch.linalg.vector_norm(lower, order).item()
        )


# -- how strong


@pytest.mark.parametrize("norm", NORMS)
def test_loss_rises_and_more_queries_fool_more(norm):
    model, images, labels = scene(30)
    reached = []
    for queries in (2, 20, 200):
        result = square(model, images, labels, eps=EPS[norm] / 2, norm=norm, queries=queries)
        assert (margin(model(result), labels) >= margin(model(images), labels)).all()
        reached.append(fooled(model, result, labels).sum().item())
    assert reached[0] < reached[2] and reached[1] <= reached[2]


@pytest.mark.slow
def test_an_affine_model_is_fooled_in_linf_a_little_beyond_the_exact_distance_and_never_below():
    """Of the ball's corners all but some pixels can be right: at 1.5 times the distance that is enough."""
    model, images = affine(2), scattered(12)
    labels = model(images).argmax(1)
    exact = exact_distance(model, images, labels, "linf")
    for i in range(12):
        one = images[[i]], labels[[i]]
        result = square(model, *one, eps=1.5 * exact[i].item(), queries=2000, p_init=0.3)
        assert fooled(model, result, one[1]).all()
        result = square(model, *one, eps=0.999 * exact[i].item(), queries=200)
        assert not fooled(model, result, one[1]).any()


@pytest.mark.parametrize("loss", ["margin", "ce"])
def test_targets_are_reached_and_losses_differ(loss):
    model, images, labels = scene(12)
    targets = model(images).argsort(1, descending=True)[:, 1]
    result = square(model, images, labels, eps=0.15, queries=300, targets=targets, loss=loss)
    assert (model(result).argmax(1) == targets).sum() >= 8
    other = square(model, images, labels, eps=0.15, queries=300, targets=targets, loss="margin")
    assert torch.equal(result, other) == (loss == "margin")


def test_what_the_model_answers_with_nan_is_not_kept():
    images, labels = pictures(2), torch.zeros(2, dtype=torch.int64)

    def breaks(x):
        moved = (x[:, None] != images).flatten(2).any(2).all(1, keepdim=True)
        return torch.tensor([[2.0, 1.0]]).double().expand(len(x), 2).masked_fill(moved, torch.nan)

    assert torch.equal(square(breaks, images, labels, eps=0.1, queries=20), images)
