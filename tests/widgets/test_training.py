"""The watch over a training run, in a kernel that is made believe and without one."""

import io
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from advcourse import gan, widgets
from advcourse.networks import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator
from advcourse.widgets import _training
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.traces import unchanged, undrawn

POINTS = torch.randn(24, 2, generator=seeded(0))
IMAGES = torch.rand(12, 1, 8, 8, generator=seeded(1))
LATENTS = torch.randn(7, 3, generator=seeded(2))
fit = partial(gan.fit, batch_size=6, progress=False)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as if in a kernel."""
    displayed = []
    monkeypatch.setattr(_training, "has_front_end", lambda: True)
    monkeypatch.setattr(_training, "display", displayed.append)
    return displayed


def players(images=False):
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        if images:
            return DCGANGenerator(8, 1, 3, 4), DCGANCritic(8, 1, 4)
        return MLPGenerator((2,), 3, 8, 2), MLPCritic((2,), 8, 2)


class Noisy(nn.Module):
    """A generator that draws noise of its own and keeps a running mean."""

    latent = 3

    def __init__(self):
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(3), nn.Linear(3, 2)

    def forward(self, z):
        return self.linear(self.norm(z)) + 0.1 * torch.randn(len(z), 2)


def state(*networks):
    return [each.clone() for network in networks for each in network.state_dict().values()]


@pytest.mark.parametrize("kind", ["points", "images", "noise"])
def test_a_run_that_is_watched_is_the_run_that_is_not(shown, kind):
    ends = []
    for watch in (None, widgets.watch_training(LATENTS, real=None)):
        torch.manual_seed(3)
        generator, critic = players(kind == "images")
        if kind == "noise":
            generator = Noisy()
        history = fit(
            generator,
            critic,
            IMAGES if kind == "images" else POINTS,
            gan.standard_gan(),
            epochs=3,
            on_epoch_end=watch,
        )
        ends.append((history, state(generator, critic), torch.get_rng_state()))
    (one, weights, random), (other, again, later) = ends
    assert one == other and torch.equal(random, later)
    assert all(torch.equal(a, b) for a, b in zip(weights, again, strict=True))
    assert len(shown) == 1 and shown[0].value


def test_a_call_leaves_modes_buffers_gradients_and_random_state():
    watch, generator = widgets.watch_training(LATENTS), Noisy().train()
    with unchanged(generator, LATENTS), undrawn():
        assert watch(generator, {"epoch": 1, "critic": 0.5}) is None


def test_one_picture_is_replaced_in_place(shown):
    watch, seen = widgets.watch_training(LATENTS, every=2, real=POINTS), []
    assert shown == [watch.picture] and watch.picture.layout.display == "none" and not watch.picture.value

    def look(network, record):
        assert watch(network, record) is None
        seen.append(watch.picture.value)

    fit(*players(), POINTS, gan.standard_gan(), epochs=5, on_epoch_end=look)
    assert shown == [watch.picture] and watch.picture.layout.display is None
    first, second, third, fourth, fifth = seen
    assert first != second == third != fourth == fifth
    with Image.open(io.BytesIO(fourth)) as picture:
        assert picture.format == "PNG" and picture.width <= 700
    assert [each["epoch"] for each in watch.records] == [1, 2, 3, 4, 5] and watch.epoch == 4


def test_the_figure_holds_points_and_losses():
    watch = widgets.watch_training(LATENTS, real=POINTS)
    generator, critic = players()
    history = fit(generator, critic, POINTS, gan.wgan(), epochs=3, critic_steps=6, on_epoch_end=watch)
    figure = watch.figure()
    left, right = figure.axes
    real, made = (each.get_offsets().data for each in left.collections)
    np.testing.assert_allclose(real, POINTS)
    np.testing.assert_allclose(made, gan.generate(generator, LATENTS))
    assert left.get_title() == "made after epoch 3" and left.get_xlabel() and left.get_ylabel()
    for line, name in zip(right.lines, ("critic", "generator"), strict=True):
        kept = [record for record in history if name in record]
        assert line.get_label() == name
        assert line.get_xdata().tolist() == [record["epoch"] for record in kept]
        assert line.get_ydata().tolist() == [record[name] for record in kept]
    assert len(right.lines[1].get_xdata()) == 2  # at four steps an epoch, no sixth falls into the first
    assert right.get_xlabel() == "epoch" and right.get_ylabel() == "mean loss of the epoch"


def test_images_are_tiled_row_by_row():
    images = torch.rand(5, 3, 4, 6, generator=seeded(4))
    (left, _) = widgets.draw_training(images, [{"epoch": 1, "critic": 1.0}], title="five").axes
    drawn = left.images[0].get_array()
    assert drawn.shape == (3 * 6, 2 * 8, 3) and left.get_title() == "five"
    for number, image in enumerate(images):
        row, column = divmod(number, 2)
        tile = drawn[6 * row + 1 : 6 * row + 5, 8 * column + 1 : 8 * column + 7]
        np.testing.assert_allclose(tile, image.permute(1, 2, 0))
    assert (drawn[12:, 8:] == 1).all() and (drawn[:, 0] == 1).all()


def test_the_average_is_what_is_watched_and_another_listener_is_asked():
    from advcourse.training import moving_average

    generator, critic = players()
    average = moving_average(generator, 0.9)
    watch = widgets.watch_training(LATENTS, also=lambda network, record: {"spread": network(LATENTS).std().item()})
    history = fit(generator, critic, POINTS, gan.standard_gan(), epochs=2, average=average, on_epoch_end=watch)
    assert torch.equal(watch.made, gan.generate(average, LATENTS)) and "spread" in history[1]


def test_a_second_run_begins_anew(shown):
    watch = widgets.watch_training(LATENTS)
    for epochs in (3, 2):
        fit(*players(), POINTS, gan.standard_gan(), epochs=epochs, on_epoch_end=watch)
        assert [each["epoch"] for each in watch.records] == list(range(1, epochs + 1))
    assert shown == [watch.picture]


def test_without_a_kernel_nothing_is_drawn_and_the_figure_can_be_had(monkeypatch, capsys):
    monkeypatch.setattr(_training, "png", lambda figure: pytest.fail("drawn"))
    monkeypatch.setattr(_training, "display", lambda widget: pytest.fail("displayed"))
    watch = widgets.watch_training(LATENTS)
    fit(*players(), POINTS, gan.standard_gan(), epochs=2, on_epoch_end=watch, progress=True)
    assert not watch.picture.value and "epoch 2/2" in capsys.readouterr().out
    assert len(watch.figure().axes) == 2


def test_a_shell_with_a_kernel_is_a_front_end_and_one_without_is_none(monkeypatch):
    class Shell:
        kernel = object()

    for shell, expected in ((None, False), (object(), False), (Shell(), True)):
        monkeypatch.setattr(_training, "get_ipython", lambda shell=shell: shell)
        assert _training.has_front_end() is expected


@pytest.mark.parametrize(
    "given, message",
    [
        ({"latents": torch.zeros(3)}, r"latents is torch.float32 \(3,\), expected floating-point latents"),
        ({"latents": [1.0]}, "latents is list, expected"),
        ({"latents": torch.zeros(2, 3).long()}, "latents is torch.int64"),
        ({"every": 0}, "every is 0, expected at least 1"),
        ({"real": torch.zeros(5, 3)}, r"real is of shape \(5, 3\), expected points \(N, 2\)"),
        ({"real": "ring"}, "real is str, expected floating-point points"),
        ({"also": 3}, "also is a int, expected a callable"),
    ],
)
def test_bad_input_is_refused(given, message):
    with refused(message):
        widgets.watch_training(**{"latents": LATENTS} | given)


def test_what_cannot_be_drawn_is_refused():
    with refused("records is empty, expected an epoch"):
        widgets.watch_training(LATENTS).figure()
    with refused("records is empty, expected at least one"):
        widgets.draw_training(POINTS, [])
    with refused(r"made is of shape \(2, 3\), expected images"):
        widgets.draw_training(torch.zeros(2, 3), [{"epoch": 1, "critic": 1.0}])
    with refused(r"what the generator makes is of shape \(7, 5\), expected images"):
        widgets.watch_training(LATENTS)(MLPGenerator((5,), 3, 4, 1), {"epoch": 1, "critic": 1.0})
    with refused(r"latents has shape \(7, 3\), expected what the generator takes"):
        widgets.watch_training(LATENTS)(MLPGenerator((2,), 4, 4, 1), {"epoch": 1, "critic": 1.0})
