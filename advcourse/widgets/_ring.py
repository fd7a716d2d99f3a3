"""The ring of eight to play with: a method, its settings, and a button that trains."""

from __future__ import annotations

import asyncio
import html
import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from advcourse import plots
from advcourse.core.validation import check_count
from advcourse.gan import RING_METHODS, RingRun, play_ring
from advcourse.widgets._explorer import LATE, Explorer

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
STEP_CHOICES = (500, 1000, 2000, 4000, 8000)
EVERY = 50
DECAY = 0.999
_PAUSE, _REST = 1.0, 3.0  # seconds from one picture to the next while it trains, and that many times what one takes

Post = Callable[..., object]


def draw_ring_run(run: RingRun, *, steps: int | None = None) -> Figure:
    """A moment of a run on the ring, as ``plots.draw_ring``, and beside it the modes covered along the run.

    Args:
        run: of ``gan.play_ring``.
        steps: the moment, one of the run's snapshots; the last where not given.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    with plots.style():
        figure = Figure(figsize=(7.8, 3.8))
        left, right = figure.subplots(1, 2, width_ratios=(4, 2.7))
        plots.draw_ring(run, left, steps=steps)
        plots.ring_curve(run, right)
        figure.set_layout_engine("constrained", wspace=0.08)
    return figure


class RingExplorer(Explorer):
    """What ``explore_ring`` returns: its controls, its picture and its line of text, as attributes.

    Attributes:
        run: what is shown; while it trains, the run so far.
    """

    def __init__(self, run: RingRun, seed: int):
        self.run, self.seed = run, seed
        self._halt, self._quiet, self._next = threading.Event(), False, 0.0
        known = run.name if run.name in RING_METHODS else "GAN"
        self.method = ipywidgets.Dropdown(options=list(RING_METHODS), value=known, description="method")
        rates = [(f"{rate:g}", rate) for rate in RATES]
        self.rate = ipywidgets.SelectionSlider(options=rates, value=1e-3, description="rate", **LATE)
        own = [("the method's", None), *((str(k), k) for k in (1, 2, 3, 5, 10))]
        self.critic_steps = ipywidgets.Dropdown(options=own, description="critic k")
        self.steps = ipywidgets.SelectionSlider(
            options=STEP_CHOICES, value=STEP_CHOICES[1], description="steps", **LATE
        )
        self.averaged = ipywidgets.Checkbox(value=False, description="average of G's weights")
        self.train = ipywidgets.Button(description="train", button_style="primary")
        self.stop = ipywidgets.Button(description="stop", disabled=True)
        self.bar = ipywidgets.IntProgress(value=0, max=STEP_CHOICES[1], description="0 steps")
        self.moment = ipywidgets.SelectionSlider(options=_moments(run), description="look at", **LATE)
        self.moment.value = run.snapshots[-1].steps
        self.train.on_click(self._train)
        self.stop.on_click(lambda button: self._halt.set())
        wrapped = ipywidgets.Layout(flex_flow="row wrap")
        rows = [
            ipywidgets.Box([self.method, self.rate, self.critic_steps, self.steps, self.averaged], layout=wrapped),
            ipywidgets.Box([self.train, self.stop, self.bar, self.moment], layout=wrapped),
        ]
        super().__init__(rows, (self.moment,), "advcourse-ring")

    def update(self, change: object = None) -> None:
        if not self._quiet:
            super().update(change)

    def draw(self) -> tuple[Figure, str]:
        moment = next(each for each in self.run.snapshots if each.steps == self.moment.value)
        losses = ", ".join(f"{name} {loss:.3g}" for name, loss in moment.losses.items())
        average = ", average of the weights" if self.run.average else ""
        text = (
            f"{html.escape(self.run.name)}, rate {self.run.learning_rate:g}, k = {self.run.critic_steps}{average}, "
            f"after {moment.steps} steps: modes covered: {moment.coverage.value} of {moment.coverage.of}, "
            f"{100 * moment.coverage.good:.0f} % good{'; mean losses: ' if losses else ''}{losses}"
        )
        return draw_ring_run(self.run, steps=moment.steps), text

    def _train(self, button: object) -> None:
        """In a thread of its own in a kernel, whose loop then hears the stop button; at once where there is no loop."""
        if self.train.disabled:
            return
        self._halt.clear()
        self._next = 0.0
        self.train.disabled, self.stop.disabled = True, False
        self.bar.value, self.bar.max, self.bar.bar_style = 0, self.steps.value, ""
        chosen = {
            "steps": self.steps.value,
            "learning_rate": self.rate.value,
            "critic_steps": self.critic_steps.value,
            "decay": DECAY if self.averaged.value else None,
        }
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._play(self.method.value, chosen, lambda do, *given: do(*given))
            return
        given = (self.method.value, chosen, loop.call_soon_threadsafe)
        threading.Thread(target=self._play, args=given, daemon=True).start()

    def _play(self, method: str, chosen: dict[str, Any], post: Post) -> None:
        """The run; what it has to show is posted to where the widget lives."""

        def heard(run: RingRun) -> bool:
            draw = time.monotonic() >= self._next
            if draw:
                self._next = time.monotonic() + _PAUSE
            post(self._show, run, draw)
            return self._halt.is_set()

        try:
            run = play_ring(method, **chosen, every=EVERY, seed=self.seed, progress=False, on_snapshot=heard)
            post(self._show, run, True)
            post(self._end, None)
        except Exception as error:  # a thread's traceback would be seen by nobody
            post(self._end, error)

    def _show(self, run: RingRun, draw: bool) -> None:
        self.bar.value = run.snapshots[-1].steps
        self.bar.description = f"{self.bar.value} steps"
        if draw:
            self.run, self._quiet = run, True
            self.moment.options = _moments(run)
            self.moment.value = run.snapshots[-1].steps
            self._quiet, begun = False, time.monotonic()
            self.update()
            self._next = time.monotonic() + max(_PAUSE, _REST * (time.monotonic() - begun))

    def _end(self, error: Exception | None) -> None:
        self.train.disabled, self.stop.disabled = False, True
        if error is None:
            self.bar.bar_style = "success" if self.bar.value == self.bar.max else "warning"
        else:
            self.bar.bar_style = "danger"
            self.message.value = f"<b>{html.escape(type(error).__name__)}</b>: {html.escape(str(error))}"


def explore_ring(run: RingRun | None = None, *, seed: int = 0) -> RingExplorer:
    """Choose a method, learning rate, critic steps and length; train on the ring of eight and see which modes are made.

    Two networks of three layers of 64 units are trained for some seconds, with a bar; the picture is drawn about every
    second. It can be stopped, and looked at anew at any of its snapshots. In a kernel the training has a thread of its
    own; torch's global random state is afterwards as it was when the training began.

    Args:
        run: of ``gan.play_ring``, shown at first; the untrained networks where not given.
        seed: of the runs that are trained here.

    Returns:
        A widget of CSS class ``advcourse-ring``. An error, such as a loss that is no longer finite, is shown in it.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_count(at_least=0, seed=seed)
    if run is not None and not isinstance(run, RingRun):
        raise ValueError(f"run is a {type(run).__name__}, expected what gan.play_ring returns")
    return RingExplorer(play_ring("GAN", steps=0, seed=seed) if run is None else run, int(seed))


def _moments(run: RingRun) -> list[int]:
    return [moment.steps for moment in run.snapshots]
