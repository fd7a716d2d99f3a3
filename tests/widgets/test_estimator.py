"""The estimator, driven without a browser."""

import io
import sys

import pytest
import torch
from PIL import Image

from advcourse import widgets
from advcourse.blackbox import Oracle, nes_gradient
from tests.support.recorders import watched

from .test_widgets import Corner, blobs


@pytest.fixture
def estimator():
    return widgets.estimator(Corner(), blobs(), torch.tensor([0, 0]), ["corner", "elsewhere"], eps=0.1)


@pytest.fixture
def drawn(monkeypatch):
    """Of what the estimator has drawn last: true gradient, estimate, adversarial image."""
    calls = watched(monkeypatch, sys.modules["advcourse.widgets._estimator"], "draw_estimator")
    return lambda: (*calls[-1].given[3], calls[-1].given[4])


def test_it_can_be_found_and_draws_at_once(estimator):
    assert "advcourse-estimator" in estimator._dom_classes
    assert estimator.picture in estimator.children and estimator.picture.value == estimator.start
    with Image.open(io.BytesIO(estimator.start)) as picture:
        assert picture.format == "PNG" and min(picture.size) > 200


@pytest.mark.parametrize(
    "control, value", [("budget", 50), ("samples", 2), ("kind", "plain"), ("image", 1), ("sigma", 1.0)]
)
def test_every_control_changes_the_picture(estimator, control, value):
    getattr(estimator, control).value = value
    assert estimator.picture.value != estimator.start
    assert "Error" not in estimator.message.value


def test_what_is_drawn_is_the_gradient_and_the_estimate(estimator, drawn):
    estimator.samples.value = 20
    true, estimate, adversarial = drawn()
    x = blobs()[:1].requires_grad_()
    z = Corner()(x)[0]
    (expected,) = torch.autograd.grad(z[1] - z[0], x)
    torch.testing.assert_close(true, expected[0])
    again = nes_gradient(
        Oracle(Corner()), blobs()[:1], torch.tensor([0]), samples=20, generator=torch.Generator().manual_seed(0)
    )
    assert torch.equal(estimate, again[0])
    assert (adversarial - blobs()[0]).abs().max() <= 0.1 + 1e-6


def test_the_message_counts_queries_steps_and_directions(estimator):
    estimator.budget.value, estimator.samples.value = 100, 20
    assert "10 directions of 2016 numbers" in estimator.message.value
    assert "pays 4 steps" in estimator.message.value and "queries" in estimator.message.value
    estimator.kind.value = "plain"
    assert "20 directions" in estimator.message.value
    estimator.samples.value = 500
    assert "pays 0 steps: not fooled after 1 queries" in estimator.message.value


def test_errors_are_shown_and_bad_input_is_refused(estimator):
    estimator.images = torch.full((2, 3, 28, 24), float("nan"))
    estimator.budget.value = 50
    assert "ValueError" in estimator.message.value
    with pytest.raises(ValueError, match="classes"):
        widgets.estimator(Corner(), blobs(), torch.tensor([0, 3]), ["a", "b"])
