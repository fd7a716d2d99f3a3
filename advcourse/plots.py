"""Figures of the lectures, in one style and one colour-blind-safe palette.

Images are float tensors in [0, 1]; distances are in pixel units of [0, 1]. Functions that take ``ax`` draw
there, and make a figure of their own where none is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse.attacks.common import LOSSES, margin
from advcourse.evaluate import Report, predict
from advcourse.validation import check_choice

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that stay apart for colour-blind readers (Okabe & Ito 2008)."""

STYLE = {
    "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=["-", "--", "-.", ":", "-", "--", "-."]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "figure.dpi": 90,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "image.cmap": "gray",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}

_FACTORS = tuple(digit * 10**power for power in range(4) for digit in (1, 2, 5))


def use_style() -> None:
    """Give every figure drawn from now on the style of this module."""
    plt.rcParams.update(STYLE)


@contextmanager
def style() -> Iterator[None]:
    """The style of this module inside a ``with`` block, or for a function that it decorates.

    Unlike ``plt.rc_context`` it puts back its own settings alone: a notebook's backend, which wakes up with the
    first figure, turns on the interactive mode without which no later figure would be shown.
    """
    before = {key: plt.rcParams[key] for key in STYLE}
    plt.rcParams.update(STYLE)
    try:
        yield
    finally:
        plt.rcParams.update(before)


def _axes(ax: Axes | None, width: float = 5.5, height: float = 3.4) -> Axes:
    return plt.subplots(figsize=(width, height))[1] if ax is None else ax


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()


def draw_image(ax: Axes, image: Tensor, title: str = "") -> None:
    """One image ``(C, H, W)`` in [0, 1] on ``ax``, without ticks; one channel is drawn in greys."""
    pixels = _array(image.permute(1, 2, 0))
    pixels = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.grid(False)
    ax.set_title(title, fontsize=9)


@style()
def show_images(
    images: Tensor,
    titles: Sequence[str] = (),
    *,
    columns: int | None = None,
    rows: Sequence[str] = (),
    size: float = 1.3,
) -> Figure:
    """Images ``(N, C, H, W)`` in a grid, row by row.

    Args:
        images: in [0, 1].
        titles: one per image, drawn above it.
        columns: images in a row; all of them where it is not given.
        rows: a name for each row, drawn at its left.
        size: of one image, in inches.
    """
    columns = columns or len(images)
    count = -(-len(images) // columns)
    height = size + 0.17 * max((title.count("\n") + 1 for title in titles), default=0)
    figure, grid = plt.subplots(count, columns, figsize=(size * columns, height * count), squeeze=False)
    for position, ax in enumerate(grid.flat):
        if position < len(images):
            draw_image(ax, images[position], titles[position] if titles else "")
        else:
            ax.axis("off")
    for ax, name in zip(grid[:, 0], rows, strict=False):
        ax.set_ylabel(name, fontsize=9)
    return figure


def magnify(delta: Tensor) -> tuple[Tensor, int]:
    """A perturbation made visible: ``0.5 + k * delta`` and the factor k.

    The factor is the largest of 1, 2, 5, 10, 20, … 5000 for which nothing leaves [0, 1], and 1 where there is
    none. No change is mid-grey.
    """
    largest = delta.abs().max().item()
    factor = max((k for k in _FACTORS if k * largest <= 0.5), default=1) if largest else 1
    return (0.5 + factor * delta).clamp(0, 1), factor


@style()
def show_attack(image: Tensor, adversarial: Tensor, titles: tuple[str, str] = ("image", "adversarial")) -> Figure:
    """An image, its perturbation (magnified around grey by the factor that its title states) and their sum."""
    figure, panels = plt.subplots(1, 3, figsize=(6.6, 2.7))
    noise, factor = magnify(adversarial - image)
    names = (titles[0], f"perturbation × {factor}\n(mid-grey: no change)", titles[1])
    for ax, picture, title in zip(panels, (image, noise, adversarial), names, strict=True):
        draw_image(ax, picture, title)
    return figure


@style()
def top5(ax: Axes, probabilities: Tensor, classes: Sequence[str], label: int | None = None) -> Axes:
    """Bars of the five largest probabilities ``(K,)``, the most probable on top.

    The bar of ``label`` is blue and hatched, the others orange.
    """
    values, indices = probabilities.detach().cpu().topk(min(5, len(probabilities)))
    names = [classes[index] for index in indices.tolist()]
    names = [name if len(name) <= 18 else name[:17] + "…" for name in names]
    bars = ax.barh(range(len(names)), _array(values), color=PALETTE[1])
    for bar, index in zip(bars, indices.tolist(), strict=True):
        if index == label:
            bar.set(facecolor=PALETTE[0], hatch="///", edgecolor="white")
    ax.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 1), xlabel="probability")
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    return ax


@style()
def success_curve(reports: Mapping[str, Report], *, metric: str = "normalized_l2", ax: Axes | None = None) -> Axes:
    """Share of the attacked images that are fooled within a distance, against that distance.

    Args:
        reports: by name, from ``evaluate``, of attacks that look for the smallest change of each image.
        metric: ``"normalized_l2"``, ``"l2"`` or ``"linf"``.
        ax: where to draw.
    """
    labels = {
        "normalized_l2": r"normalised $L_2$:  $\|\tilde{x}-x\|_2/\|x\|_2$",
        "l2": r"$L_2$ distance  $\|\tilde{x}-x\|_2$",
        "linf": r"$L_\infty$ distance  $\|\tilde{x}-x\|_\infty$",
    }
    check_choice("metric", metric, tuple(labels))
    ax = _axes(ax)
    curves = {}
    for name, report in reports.items():
        distances = getattr(report, f"{metric}_per_image")[report.success & report.attacked].sort().values
        curves[name] = distances.cpu().tolist(), int(report.attacked.sum())
    end = 1.05 * max((distances[-1] for distances, _ in curves.values() if distances), default=1.0)
    for name, (distances, attacked) in curves.items():
        share = [count / max(attacked, 1) for count in range(len(distances) + 1)]
        ax.step([0.0, *distances, end], [*share, share[-1]], where="post", label=name)
    ax.set(xlabel=labels[metric], ylabel="success rate", xlim=(0, end), ylim=(-0.02, 1.02))
    ax.legend(loc="lower right")
    return ax


@style()
def accuracy_curve(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str = r"mean $L_2$ distance",
    ylabel: str = "accuracy",
    ax: Axes | None = None,
) -> Axes:
    """Accuracies against a budget or a distance: ``{name: (distances, accuracies)}``."""
    ax = _axes(ax)
    for (name, (distances, accuracies)), marker in zip(curves.items(), "os^Dv*x", strict=False):
        ax.plot(distances, accuracies, marker=marker, markersize=4, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.02, 1.02))
    ax.legend()
    return ax


def _unit(direction: Tensor) -> Tensor:
    return direction / torch.linalg.vector_norm(direction)


@style()
def loss_along(
    model: nn.Module,
    image: Tensor,
    label: int,
    directions: Mapping[str, Tensor],
    *,
    radius: float,
    points: int = 61,
    loss: str = "ce",
    ax: Axes | None = None,
) -> Axes:
    """The loss on straight lines through an image: ``loss(f(x + t d / ||d||_2), y)`` for t in [-radius, radius].

    Args:
        model: maps images to logits.
        image: ``(C, H, W)``.
        label: its class.
        directions: by name, each shaped as the image; scaled to L2 length 1, so that t is an L2 distance.
        radius: half the length of each line. It may leave [0, 1]; nothing is clipped.
        points: on each line.
        loss: ``"ce"`` or ``"margin"`` (positive where the image is misclassified).
        ax: where to draw.
    """
    check_choice("loss", loss, tuple(LOSSES))
    ax = _axes(ax)
    t = torch.linspace(-radius, radius, points, device=image.device, dtype=image.dtype)
    for name, direction in directions.items():
        logits = predict(model, image + t.view(-1, 1, 1, 1) * _unit(direction))
        values = LOSSES[loss](logits, torch.full((points,), label, device=image.device))
        ax.plot(_array(t), _array(values), label=name)
    names = {"ce": "cross-entropy loss", "margin": r"margin  $\max_{j\neq y} z_j - z_y$"}
    ax.set(xlabel=r"$L_2$ distance along the direction", ylabel=names[loss])
    ax.legend()
    return ax


@style()
def loss_landscape(
    model: nn.Module,
    image: Tensor,
    label: int,
    direction1: Tensor,
    direction2: Tensor,
    *,
    radius: float,
    points: int = 25,
    names: tuple[str, str] = ("direction 1", "direction 2"),
    ax: Axes | None = None,
) -> Axes:
    """The loss on a plane through an image; a white line where ``label`` stops being the prediction.

    Args:
        model: maps images to logits.
        image: ``(C, H, W)``, drawn as a dot at the origin.
        label: its class.
        direction1, direction2: shaped as the image; the second is made orthogonal to the first, both get L2
            length 1.
        radius: half the side of the square, in L2. It may leave [0, 1]; nothing is clipped.
        points: along each side.
        names: of the two directions.
        ax: where to draw.
    """
    ax = _axes(ax, 4.6, 3.6)
    first = _unit(direction1)
    second = _unit(direction2 - (direction2 * first).sum() * first)
    t = torch.linspace(-radius, radius, points, device=image.device, dtype=image.dtype)
    down, right = (axis.reshape(-1, 1, 1, 1) for axis in torch.meshgrid(t, t, indexing="ij"))
    logits = predict(model, image + right * first + down * second)
    labels = torch.full((points * points,), label, device=image.device)
    loss, gap = (_array(f(logits, labels).view(points, points)) for f in (LOSSES["ce"], margin))
    t = _array(t)
    filled = ax.contourf(t, t, loss, levels=15, cmap="cividis")
    ax.figure.colorbar(filled, ax=ax, label="cross-entropy loss")
    if gap.min() < 0 < gap.max():
        ax.contour(t, t, gap, levels=[0], colors="white", linewidths=2)
    ax.plot(0, 0, "o", color="white", markeredgecolor="black")
    ax.set(xlabel=f"$L_2$ along {names[0]}", ylabel=f"$L_2$ along {names[1]}", aspect="equal")
    ax.locator_params(nbins=5)
    ax.grid(False)
    return ax
