"""The loss around an image: on lines and on planes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from torch import Tensor, nn

from advcourse.core.losses import LOSSES, margin
from advcourse.core.running import predict
from advcourse.core.validation import check_choice
from advcourse.plots._styling import array, axes_or_new, style


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
    """The loss on straight lines through an image: ``loss(f(x + t d / ‖d‖₂), y)`` for t in [-radius, radius].

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
    ax = axes_or_new(ax)
    t = torch.linspace(-radius, radius, points, device=image.device, dtype=image.dtype)
    for name, direction in directions.items():
        logits = predict(model, image + t.view(-1, 1, 1, 1) * _unit(direction))
        values = LOSSES[loss](logits, torch.full((points,), label, device=image.device))
        ax.plot(array(t), array(values), label=name)
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
    ax = axes_or_new(ax, 4.6, 3.6)
    first = _unit(direction1)
    second = _unit(direction2 - (direction2 * first).sum() * first)
    t = torch.linspace(-radius, radius, points, device=image.device, dtype=image.dtype)
    down, right = (axis.reshape(-1, 1, 1, 1) for axis in torch.meshgrid(t, t, indexing="ij"))
    logits = predict(model, image + right * first + down * second)
    draw_plane(ax, t, t, logits, label)
    ax.set(xlabel=f"$L_2$ along {names[0]}", ylabel=f"$L_2$ along {names[1]}", aspect="equal")
    return ax


def draw_plane(ax: Axes, across: Tensor, up: Tensor, logits: Tensor, label: int, *, log: bool = False) -> None:
    """Fill ``ax`` with the cross-entropy at the points (across, up), row by row; white where the prediction changes.

    Args:
        ax: where to draw.
        across, up: the values along each axis, ``(n,)`` and ``(m,)``; the image itself is at (0, 0).
        logits: ``(m * n, K)``, ``across`` fastest.
        label: the image's class.
        log: colours by powers of ten, so that small losses are told apart too.
    """
    labels = torch.full((len(logits),), label, device=logits.device)
    loss, gap = (array(f(logits, labels).view(len(up), len(across))) for f in (LOSSES["ce"], margin))
    x, y = array(across), array(up)
    if log:
        loss = np.maximum(loss, np.finfo(loss.dtype).eps)  # a probability of 1 up to rounding
        low, high = np.floor(np.log10(loss.min())), np.ceil(np.log10(loss.max()))
        levels = 10 ** np.linspace(low, max(high, low + 1), 25)
        filled = ax.contourf(x, y, loss, levels=levels, norm=LogNorm(), cmap="cividis")
        ticks = 10.0 ** np.arange(low, max(high, low + 1) + 1)[:: max(1, round((high - low) / 5))]
        ax.figure.colorbar(filled, ax=ax, label="cross-entropy loss (powers of ten)", ticks=ticks)
    else:
        filled = ax.contourf(x, y, loss, levels=15, cmap="cividis")
        ax.figure.colorbar(filled, ax=ax, label="cross-entropy loss")
    if gap.min() < 0 < gap.max():
        ax.contour(x, y, gap, levels=[0], colors="white", linewidths=2)
    ax.plot(0, 0, "o", color="white", markeredgecolor="black")
    ax.locator_params(nbins=5)
    ax.grid(False)
