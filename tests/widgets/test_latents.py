"""The explorer of latents, driven without a browser, and the strip of a walk."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from advcourse import widgets
from advcourse.gan import generate, slerp
from advcourse.gan.metrics import features, nearest_neighbours
from advcourse.networks import MLPGenerator
from tests.support.recorders import watched
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.traces import unchanged, undrawn

LATENT = 6
TRAINING = torch.rand(9, 1, 4, 4, generator=seeded(0))
EXTRACTOR = nn.Flatten()
BANK = {"images": TRAINING, "bank": TRAINING.flatten(1), "extractor": EXTRACTOR}


def network() -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(2)
        generator = MLPGenerator((1, 4, 4), LATENT, 16, 2)
        for parameter in generator.parameters():
            parameter.data *= 3
        return generator


@pytest.fixture
def explorer():
    return widgets.explore_latents(network(), **BANK)


@pytest.fixture
def drawn(monkeypatch):
    """Images, neighbours and titles, as drawn from now on."""
    return watched(monkeypatch, sys.modules["advcourse.widgets._latents"], "draw_latent")


def test_it_can_be_found_and_draws_at_once(explorer):
    assert "advcourse-latents" in explorer._dom_classes
    assert explorer.picture in explorer.children and explorer.picture.value == explorer.start
    with Image.open(io.BytesIO(explorer.start)) as picture:
        assert picture.format == "PNG" and 200 < picture.width <= 700
    assert [slider.description for slider in explorer.sliders] == ["z[0]", "z[1]", "z[2]", "z[3]"]


def test_every_control_makes_another_image(explorer, drawn):
    for control, value in ((explorer.position, 0.5), (explorer.walk, "linear"), *((s, 1.5) for s in explorer.sliders)):
        before = explorer.picture.value
        control.value = value
        assert explorer.picture.value != before and "Error" not in explorer.message.value
    anchors = explorer.anchors
    explorer.renew.click()
    assert not torch.equal(explorer.anchors, anchors)
    images = [call.given[0] for call in drawn]
    assert len(images) == 7
    assert all(not torch.equal(one, other) for one, other in zip(images, images[1:], strict=False))


def test_what_is_shown_is_the_walk_and_the_directions(explorer, drawn):
    explorer.position.value, explorer.sliders[1].value, explorer.sliders[3].value = 0.3, 2.0, -1.0
    latent = slerp(*explorer.anchors, 0.3)
    latent[1] += 2.0
    latent[3] -= 1.0
    torch.testing.assert_close(explorer.latent, latent)
    torch.testing.assert_close(drawn[-1].given[0], generate(network(), latent[None])[0])
    assert f"‖z‖ = {latent.norm():.2f} (√d = {LATENT**0.5:.2f})" in explorer.message.value
    explorer.walk.value = "linear"
    straight = 0.7 * explorer.anchors[0] + 0.3 * explorer.anchors[1]
    torch.testing.assert_close(explorer.latent[[0, 2, 4, 5]], straight[[0, 2, 4, 5]])


def test_directions_handed_in_are_added_as_they_are(drawn):
    directions = torch.randn(2, LATENT, generator=seeded(3))
    explorer = widgets.explore_latents(network(), directions=directions, names=["slant", "width"])
    assert [slider.description for slider in explorer.sliders] == ["slant", "width"]
    explorer.sliders[0].value, explorer.sliders[1].value = -0.5, 2.0
    torch.testing.assert_close(explorer.latent, explorer.anchors[0] - 0.5 * directions[0] + 2 * directions[1])
    assert "nearest" not in drawn[-1].named and "nearest" not in explorer.message.value


def test_the_nearest_training_image_is_shown_with_its_distance(explorer, drawn):
    explorer.position.value = 0.4
    image, named = drawn[-1].given[0], drawn[-1].named
    found = nearest_neighbours(features(EXTRACTOR, image[None]), BANK["bank"])
    number = int(found.indices)
    assert torch.equal(named["nearest"], TRAINING[number])
    assert f"training image {number} is nearest, {found.distances.item():.3g} away" in explorer.message.value
    explorer.bank = (image[None], image[None].flatten(1), EXTRACTOR)
    explorer.update()
    assert "training image 0 is nearest, 0 away" in explorer.message.value


def test_the_seed_decides_and_nothing_else_is_touched():
    generator = network().train()
    with undrawn(), unchanged(generator):
        one = widgets.explore_latents(generator, seed=4)
        one.renew.click()
    other = widgets.explore_latents(network(), seed=4)
    other.renew.click()
    assert torch.equal(one.anchors, other.anchors)
    assert not torch.equal(
        widgets.explore_latents(generator, seed=5).anchors, widgets.explore_latents(generator).anchors
    )


def test_an_error_is_shown_in_place(explorer):
    shown = explorer.picture.value
    explorer.anchors = torch.zeros(2, LATENT + 1)
    explorer.position.value = 0.5
    assert "Error" in explorer.message.value and explorer.picture.value == shown


@pytest.mark.parametrize("walk", widgets.WALKS)
def test_the_strip_shows_the_walk_with_both_ends(walk):
    start, end = torch.randn(2, LATENT, generator=seeded(5))
    figure = widgets.draw_walk(network(), start, end, count=5, walk=walk, title="a walk")
    shares = torch.linspace(0, 1, 5)
    latents = slerp(start, end, shares) if walk == "spherical" else torch.stack([start.lerp(end, t) for t in shares])
    made = generate(network(), latents)
    assert len(figure.axes) == 5 and figure.get_suptitle() == "a walk" and figure.bbox.width <= 700
    for ax, image in zip(figure.axes, made, strict=True):
        np.testing.assert_allclose(ax.images[0].get_array(), image[0], atol=1e-6)
    assert [ax.get_title() for ax in figure.axes] == ["t = 0.00", "0.25", "0.50", "0.75", "1.00"]


def test_the_large_picture_holds_one_image_or_two():
    for images in (TRAINING[:1], TRAINING[:2]):
        nearest = images[1] if len(images) == 2 else None
        figure = widgets.draw_latent(images[0], nearest=nearest, titles=["made", "nearest"])
        for ax, image, title in zip(figure.axes, images, ("made", "nearest"), strict=False):
            np.testing.assert_allclose(ax.images[0].get_array(), image[0])
            assert ax.get_title() == title
        assert len(figure.axes) == len(images)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"generator": nn.Linear(2, 2)}, "latent is None, expected the length"),
        ({"generator": MLPGenerator((2,), 3, 4, 1)}, r"generator makes shape \(1, 2\), expected images"),
        ({"latent": 0}, "latent is 0, expected at least 1"),
        ({"latent": 5}, r"latents has shape \(1, 5\), expected what the generator takes"),
        ({"directions": [0, 6]}, "directions holds 6, expected numbers of coordinates from 0 to 5"),
        ({"directions": ["z"]}, "directions holds 'z', expected"),
        ({"directions": [1, 1]}, "expected 2 different ones"),
        ({"directions": torch.zeros(2, 5)}, r"directions has shape \(2, 5\), expected finite directions \(K, 6\)"),
        ({"directions": torch.full((1, 6), torch.nan)}, "directions .*expected finite"),
        ({"names": ["one"]}, "names holds 1, expected 4"),
        ({"seed": -1}, "seed is -1, expected at least 0"),
        ({"bank": BANK["bank"]}, "images is None, expected images, bank and extractor together"),
        ({"images": TRAINING, "extractor": EXTRACTOR}, "bank is None, expected images, bank and extractor together"),
        (BANK | {"bank": BANK["bank"][:4]}, r"bank is \(4, 16\), expected features \(9, D\)"),
        (BANK | {"bank": BANK["bank"][:, :4]}, r"bank has shape \(9, 4\), expected \(M, 16\)"),
        (BANK | {"images": 2 * TRAINING}, "images ranges over"),
    ],
)
def test_bad_input_is_refused(given, message):
    with refused(message):
        widgets.explore_latents(**{"generator": network()} | given)


def test_bad_walks_are_refused():
    start, end = torch.zeros(2, LATENT)
    for given, message in (({"walk": "round"}, "walk is 'round', expected one of"), ({"count": 1}, "count is 1")):
        with refused(message):
            widgets.draw_walk(network(), start, end, **given)
