"""Random perturbations of an attack's size: as large as they say, drawn as they say, counted as they say."""

import math

import pytest
import torch

from advcourse.core.streams import Streams
from advcourse.evaluation import controls
from advcourse.evaluation._controls import KINDS, random_direction, random_points, random_signs
from tests.support.affine import length
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Affine
from tests.support.traces import unchanged, undrawn

GREY = torch.full((50, 2, 4, 4), 0.5, dtype=torch.float64)


def moved(kind, norm, eps, images=GREY, seed=0):
    return kind(images, eps=eps, norm=norm, draws=Streams(seed, "test", images)) - images


@pytest.mark.parametrize("norm, eps", [("linf", 0.1), ("l2", 0.4), ("l1", 2.0)])
@pytest.mark.parametrize("name", KINDS)
def test_each_is_as_long_as_it_says(name, norm, eps):
    """Where the box cuts nothing off."""
    delta = moved(KINDS[name], norm, eps)
    torch.testing.assert_close(length(delta, norm), torch.full((50,), eps, dtype=torch.float64), rtol=1e-12, atol=0)
    assert len({tuple(row.tolist()) for row in delta.flatten(1)}) > 20  # each image its own


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_black_and_white_stay_in_the_box_and_the_ball(name, norm):
    images = GREY.round()
    images[:, :, ::2] = 1
    delta = moved(KINDS[name], norm, 0.3, images)
    assert ((images + delta) >= 0).all() and ((images + delta) <= 1).all()
    assert (length(delta, norm) <= 0.3 + 1e-12).all() and (delta != 0).any()


def test_signs_are_all_of_one_size_and_fair():
    delta = moved(random_signs, "l2", 1.0)
    assert delta.abs().unique().tolist() == pytest.approx([1 / math.sqrt(32)])
    assert abs((delta > 0).double().mean() - 0.5) < 4 * 0.5 / math.sqrt(delta.numel())


def test_directions_have_no_preferred_axis():
    delta = 2 * moved(random_direction, "l2", 0.5).flatten(1)
    assert (delta.mean(0).abs() < 5 / math.sqrt(50 * 32)).all()
    assert abs(32 * (delta**2).mean().item() - 1) < 1e-9


def test_points_are_few_and_go_to_the_farther_end():
    images = torch.full((20, 1, 5, 5), 0.25, dtype=torch.float64)
    delta = moved(random_points, "l1", 2.0, images).flatten(1)
    assert ((delta != 0).sum(1) == 3).all()  # 0.75 + 0.75 + 0.5
    assert delta.sort(1).values[:, -3:].flatten().tolist() == pytest.approx([0.5, 0.75, 0.75] * 20)
    counts = (delta != 0).sum(0)
    assert counts.max() < 12  # of 20: entries are drawn, not taken in turn


def test_the_table_is_what_is_counted_by_hand():
    """Class 1 where the first pixel is above a half: a sign moves it there for one image, in half the draws."""
    model = Affine(torch.tensor([[0.0, 0.0], [1.0, 0.0]]).double(), torch.tensor([0.5, 0.0]).double())
    images = torch.tensor([[0.45, 0.5], [0.2, 0.5], [0.9, 0.5]], dtype=torch.float64).view(3, 1, 1, 2)
    labels = torch.zeros(3, dtype=torch.int64)  # the third is misclassified
    table = controls(model, images, labels, eps=0.1, draws=200)
    streams = Streams(0, "random signs", images)
    ups = torch.stack([streams.signs(1, 1, 2)[0, 0, 0, 0] > 0 for _ in range(200)]).double().mean().item()
    row = table.loc["random signs"]
    assert row["accuracy"] == pytest.approx((1 - ups + 1) / 3) and row["worst"] == pytest.approx(1 / 3)
    assert row["success rate"] == pytest.approx(ups / 2) and 0.3 < ups < 0.7
    assert row["deviation"] == pytest.approx(math.sqrt(ups * (1 - ups) * 200 / 199) / 3)


def test_a_place_decides_the_draws_and_nothing_is_left_behind():
    model, images, labels = scene(6)
    with undrawn(), unchanged(model.train(), images, labels):
        first = controls(model, images, labels, eps=0.3, draws=3)
    again = controls(model, images, labels, eps=0.3, draws=3, batch_size=1)
    assert first.equals(again)
    assert not first.equals(controls(model, images, labels, eps=0.3, draws=3, seed=1))


def test_other_controls_are_rows_too():
    model, images, labels = scene(6)
    asked = []

    def turned(x, draw):
        asked.append(draw)
        return x.flip(3)

    table = controls(model, images, labels, eps=0.1, draws=2, others={"turned": turned, "same": lambda x, draw: x})
    assert list(table.index) == [*KINDS, "turned", "same"] and asked == [0, 1]
    assert table.loc["same", "accuracy"] == 1 and table.loc["same", "success rate"] == 0
    assert table.loc["turned", "accuracy"] == (model(images.flip(3)).argmax(1) == labels).double().mean().item()


def test_refusals():
    model, images, labels = scene(3)
    for name, bad in {"eps": (-1.0, math.nan), "norm": ("l3",), "draws": (0,), "seed": (-1,)}.items():
        for value in bad:
            with refused(f"{name}.*expected", f"{name}={value}"):
                controls(model, images, labels, **{"eps": 0.1, name: value})
    for bad in ({"x": "no"}, {"x": lambda x, draw: x[:1]}, {"x": lambda x, draw: x + 1}, {"x": lambda x, d: x.float()}):
        with refused(r"others\['x'\].*expected"):
            controls(model, images, labels, eps=0.1, others=bad)
    with refused(r"others is \[.*, expected controls by name"):
        controls(model, images, labels, eps=0.1, others=[lambda x, draw: x])
    with refused("others holds 'random signs', expected another name"):
        controls(model, images, labels, eps=0.1, others={"random signs": lambda x, draw: x})
