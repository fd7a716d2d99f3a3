"""The watch: what a generator makes and how the losses run, drawn anew after each epoch of ``gan.fit``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn

from advcourse import plots
from advcourse.core.validation import check_callable, check_count
from advcourse.gan import generate
from advcourse.widgets._explorer import png

Also = Callable[[nn.Module, dict], dict | None]


def draw_training(made: Tensor, records: Sequence[dict], *, real: Tensor | None = None, title: str = "") -> Figure:
    """What a generator makes, and beside it the losses of critic and generator.

    Args:
        made: images ``(N, C, H, W)`` in [0, 1], drawn as a grid, or points ``(N, 2)``.
        records: of the epochs so far, as ``gan.fit`` returns them: ``epoch``, ``critic`` and, where it had a step,
            ``generator``.
        real: points ``(M, 2)`` to be drawn with those made.
        title: above what is made.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    _check_made("made", made, (2, 4))
    if not records:
        raise ValueError("records is empty, expected at least one epoch's")
    with plots.style():
        figure = Figure(figsize=(7.6, 3.6))
        figure.set_layout_engine("constrained", wspace=0.06)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        if made.dim() == 4:
            plots.draw_image(left, plots.tile(made), title)
        else:
            _draw_points(left, made, real)
            left.set_title(title, fontsize=9)
        for name in ("critic", "generator"):
            seen = [record for record in records if name in record]
            epochs, losses = [each["epoch"] for each in seen], [each[name] for each in seen]
            right.plot(epochs, losses, marker="o" if len(seen) < 20 else None, markersize=3, label=name)
        right.set(xlabel="epoch", ylabel="mean loss of the epoch")
        right.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


class TrainingWatch:
    """What ``watch_training`` returns.

    Attributes:
        picture: the widget that is drawn in, hidden before the first epoch.
        records: of the epochs of this run so far.
        made: of the latents, when last looked at; None before.
        epoch: when that was.
    """

    def __init__(self, latents: Tensor, every: int, real: Tensor | None, also: Also | None):
        self.latents, self.every, self.real, self.also = latents, every, real, also
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%", display="none"))
        self._begin()

    def _begin(self) -> None:
        self.records: list[dict] = []
        self.made: Tensor | None = None
        self.epoch = 0

    def __call__(self, generator: nn.Module, record: dict) -> dict | None:
        """After an epoch; what ``also`` returns goes into the epoch's record."""
        if self.records and record["epoch"] <= self.records[-1]["epoch"]:
            self._begin()
        self.records.append(dict(record))
        if len(self.records) == 1 or record["epoch"] % self.every == 0:
            self.made, self.epoch = generate(generator, self.latents), record["epoch"]
            _check_made("what the generator makes", self.made, (2, 4))
            if has_front_end():
                self.picture.value = png(self.figure())
                self.picture.layout.display = None
        return self.also(generator, record) if self.also else None

    def figure(self) -> Figure:
        """The picture as it stands, to be kept where no kernel runs.

        Raises:
            ValueError: before the first epoch.
        """
        if self.made is None:
            raise ValueError("records is empty, expected an epoch: gan.fit(..., on_epoch_end=watch)")
        return draw_training(self.made, self.records, real=self.real, title=f"made after epoch {self.epoch}")


def watch_training(
    latents: Tensor, *, every: int = 1, real: Tensor | None = None, also: Also | None = None
) -> TrainingWatch:
    """Samples and losses of a run as it goes: ``gan.fit(…, on_epoch_end=watch_training(latents))``.

    In a notebook one picture, replaced in place, stands below the cell in which the watch is made, above the bar of
    ``gan.fit`` where that is the same cell; in a terminal nothing is drawn, and the bar remains. The run is not
    changed: weights, modes and random draws are as without it. A watch that is handed to another run begins anew.

    Args:
        latents: ``(N, latent)``, the same at every epoch, as ``torch.randn(36, 100)``.
        every: epochs from one picture to the next; the first epoch has one in any case.
        real: points ``(M, 2)`` to be drawn with those made.
        also: another ``on_epoch_end``, ``(generator, record) -> dict | None``, to be called too.

    Returns:
        a callable ``(generator, record)``; its ``figure()`` is the picture as it stands.

    Raises:
        ValueError: for bad input; the message names the argument. From within ``gan.fit``: where the generator makes
            neither images nor points of the plane, or does not take the latents.
    """
    if not isinstance(latents, Tensor) or latents.dim() != 2 or not latents.is_floating_point() or not len(latents):
        came = f"{latents.dtype} {tuple(latents.shape)}" if isinstance(latents, Tensor) else type(latents).__name__
        raise ValueError(f"latents is {came}, expected floating-point latents (N, latent)")
    check_count(every=every)
    if real is not None:
        _check_made("real", real, (2,))
    if also is not None:
        check_callable(also=also)
    watch = TrainingWatch(latents.detach().clone(), int(every), real, also)
    if has_front_end():
        display(watch.picture)
    return watch


def has_front_end() -> bool:
    """Whether this runs in the kernel of a notebook, which a page may be listening to."""
    return getattr(get_ipython(), "kernel", None) is not None


def _draw_points(ax: Axes, made: Tensor, real: Tensor | None) -> None:
    dots, crosses = made.detach().cpu().numpy(), None if real is None else real.detach().cpu().numpy()
    if crosses is not None:
        ax.scatter(crosses[:, 0], crosses[:, 1], s=10, color=plots.PALETTE[0], marker="+", linewidth=0.8, label="real")
    ax.scatter(dots[:, 0], dots[:, 1], s=5, color=plots.PALETTE[1], linewidth=0, label="made")
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="upper right", markerscale=1.6, frameon=True, framealpha=0.8)


def _check_made(name: str, made: Tensor, dims: tuple[int, ...]) -> None:
    """Points of the plane, or images of one channel or three."""
    expected = "points (N, 2)" if dims == (2,) else "images (N, 1 or 3, H, W) or points (N, 2)"
    if not isinstance(made, Tensor) or not made.is_floating_point():
        raise ValueError(f"{name} is {getattr(made, 'dtype', type(made).__name__)}, expected floating-point {expected}")
    if made.dim() not in dims or not len(made) or made.shape[1] not in ((2,) if made.dim() == 2 else (1, 3)):
        raise ValueError(f"{name} is of shape {tuple(made.shape)}, expected {expected}")
