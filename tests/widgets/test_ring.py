"""The explorer of the ring, trained for a moment without a browser: at once, and in a thread beside a loop."""

import asyncio
import io
import sys
import threading
from functools import partial

import pytest
import torch
from PIL import Image

from advcourse import widgets
from advcourse.gan import RING_METHODS, RingRun, play_ring
from tests.support.recorders import watched
from tests.support.refusals import refused
from tests.support.traces import undrawn

MODULE = "advcourse.widgets._ring"
SMALL = {"batch_size": 8, "width": 4, "depth": 1}


@pytest.fixture
def calls(monkeypatch):
    """Runs are small and quick, and what they are asked for is kept."""
    monkeypatch.setattr(sys.modules[MODULE], "play_ring", partial(play_ring, **SMALL))
    monkeypatch.setattr(sys.modules[MODULE], "EVERY", 2)
    monkeypatch.setattr(sys.modules[MODULE], "STEP_CHOICES", (2, 4, 8, 1000))
    return watched(monkeypatch, sys.modules[MODULE], "play_ring")


@pytest.fixture
def explorer(calls):
    made = widgets.explore_ring()
    calls.clear()
    return made


def test_it_can_be_found_and_shows_the_untrained_networks(explorer):
    assert "advcourse-ring" in explorer._dom_classes
    assert explorer.picture in explorer.children and explorer.picture.value == explorer.start
    assert "after 0 steps: modes covered: 0 of 8, 0 % good" in explorer.message.value
    with Image.open(io.BytesIO(explorer.start)) as picture:
        assert picture.format == "PNG" and 400 < picture.width <= 702
    assert explorer.stop.disabled and not explorer.train.disabled


@pytest.mark.parametrize(
    "control, value, asked",
    [
        ("method", "R3GAN", {"method": "R3GAN"}),
        ("rate", 3e-3, {"learning_rate": 3e-3}),
        ("critic_steps", 5, {"critic_steps": 5}),
        ("steps", 8, {"steps": 8}),
        ("averaged", True, {"decay": 0.999}),
    ],
)
def test_the_button_trains_with_the_value_of_every_switch(explorer, calls, control, value, asked):
    getattr(explorer, control).value = value
    assert not calls and explorer.picture.value == explorer.start  # nothing is trained before the button is pressed
    explorer.train.click()
    usual = {"method": "GAN", "steps": 4, "learning_rate": 1e-3, "critic_steps": None, "decay": None}
    (call,) = calls
    assert {"method": call.given[0], **call.named}.items() >= (usual | asked).items()
    assert "Error" not in explorer.message.value and explorer.picture.value != explorer.start
    last = explorer.run.snapshots[-1]
    assert last.steps == explorer.bar.value == explorer.bar.max == explorer.steps.value
    assert explorer.bar.bar_style == "success" and explorer.stop.disabled and not explorer.train.disabled
    expected = play_ring(call.given[0], **call.named | {"on_snapshot": None}, **SMALL)
    assert torch.equal(last.points, expected.snapshots[-1].points)
    assert f"after {last.steps} steps: modes covered: {last.coverage.value} of 8" in explorer.message.value


def test_it_offers_every_method_and_is_drawn_as_it_trains(explorer, monkeypatch):
    assert explorer.method.options == tuple(RING_METHODS)
    drawn = watched(monkeypatch, sys.modules[MODULE], "draw_ring_run")
    for name in ("_PAUSE", "_REST"):
        monkeypatch.setattr(sys.modules[MODULE], name, 0.0)
    with undrawn():
        explorer.train.click()
    assert [call.named["steps"] for call in drawn] == [0, 2, 4, 4]


def test_the_stop_button_ends_it_at_the_next_moment(explorer):
    explorer.steps.value = 1000
    explorer.bar.observe(lambda change: change.new == 4 and explorer.stop.click(), names="value")
    explorer.train.click()
    assert explorer.run.snapshots[-1].steps == explorer.bar.value == 4
    assert explorer.bar.bar_style == "warning" and not explorer.train.disabled
    explorer.steps.value = 8
    explorer.bar.unobserve_all()
    explorer.train.click()  # the stop was for that run alone
    assert explorer.run.snapshots[-1].steps == 8


def test_earlier_moments_can_be_looked_at(explorer, monkeypatch):
    explorer.train.click()
    shown = explorer.picture.value
    drawn = watched(monkeypatch, sys.modules[MODULE], "draw_ring_run")
    assert explorer.moment.options == (0, 2, 4) and explorer.moment.value == 4
    explorer.moment.value = 2
    assert drawn[-1].given[0] is explorer.run and drawn[-1].named == {"steps": 2}
    assert "after 2 steps" in explorer.message.value and explorer.picture.value != shown


def test_beside_a_loop_it_trains_in_a_thread_and_draws_where_the_loop_is(explorer, calls, monkeypatch):
    where = {}

    def noted(name):
        function, threads = getattr(sys.modules[MODULE], name), where.setdefault(name, [])

        def noting(*given, **named):
            threads.append(threading.current_thread())
            return function(*given, **named)

        monkeypatch.setattr(sys.modules[MODULE], name, noting)

    noted("play_ring")
    noted("draw_ring_run")

    async def press() -> None:
        explorer.train.click()
        assert explorer.train.disabled and not explorer.stop.disabled
        explorer.train.click()  # a second press while it trains does nothing
        while explorer.train.disabled:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(press(), 60))
    assert len(where["play_ring"]) == 1 and where["play_ring"][0] is not threading.main_thread()
    assert set(where["draw_ring_run"]) == {threading.main_thread()}
    assert explorer.run.snapshots[-1].steps == 4 and explorer.bar.bar_style == "success"


def test_beside_a_loop_it_can_be_stopped(explorer):
    async def press() -> None:
        explorer.steps.value = 1000
        explorer.train.click()
        while explorer.bar.value < 2:
            await asyncio.sleep(0.01)
        explorer.stop.click()
        while explorer.train.disabled:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(press(), 60))
    assert 2 <= explorer.run.snapshots[-1].steps < 1000 and explorer.bar.bar_style == "warning"


def test_an_error_is_shown_and_the_button_comes_back(explorer, monkeypatch):
    def fail(*given, **named):
        raise FloatingPointError("the mean critic of epoch 2 is <nan>")

    monkeypatch.setattr(sys.modules[MODULE], "play_ring", fail)
    explorer.train.click()
    assert explorer.message.value == "<b>FloatingPointError</b>: the mean critic of epoch 2 is &lt;nan&gt;"
    assert explorer.bar.bar_style == "danger" and not explorer.train.disabled and explorer.stop.disabled


def test_a_run_handed_in_is_shown_first(calls):
    run = play_ring("LSGAN", steps=4, every=2, progress=False, **SMALL)
    explorer = widgets.explore_ring(run)
    assert explorer.run is run and explorer.method.value == "LSGAN" and not calls
    assert (
        explorer.moment.options == (0, 2, 4)
        and "LSGAN" in explorer.message.value
        and "after 4" in explorer.message.value
    )


def test_the_static_figure_holds_the_moment_and_the_run():
    run = play_ring("GAN", steps=4, every=2, progress=False, **SMALL)
    left, right, scale, share = widgets.draw_ring_run(run, steps=2).axes
    assert left.get_title().startswith("2 steps: modes covered: ") and "critic's value" in scale.get_ylabel()
    assert right.lines[0].get_xdata().tolist() == share.lines[0].get_xdata().tolist() == [0, 2, 4]


def test_bad_input_is_refused():
    with refused("run is a str, expected what gan.play_ring returns"):
        widgets.explore_ring("GAN")
    with refused("seed is -1, expected at least 0"):
        widgets.explore_ring(seed=-1)
    with refused("steps is 3, expected a moment of the run: 0"):
        widgets.draw_ring_run(play_ring("GAN", steps=0, **SMALL), steps=3)
    assert isinstance(widgets.explore_ring().run, RingRun)
