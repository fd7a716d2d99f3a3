"""Images, and what was added to them."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.plots._styling import array, style

_FACTORS = tuple(digit * 10**power for power in range(4) for digit in (1, 2, 5))


def draw_image(ax: Axes, image: Tensor, title: str = "") -> None:
    """One image ``(C, H, W)`` in [0, 1] on ``ax``, without ticks; one channel is drawn in greys."""
    pixels = array(image.permute(1, 2, 0))
    pixels = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.grid(False)
    ax.set_title(title, fontsize=9)


def tile(images: Tensor, columns: int | None = None) -> Tensor:
    """Images ``(N, C, H, W)`` as one, row by row, with white lines between and around; places left over are white.

    Args:
        images: in [0, 1]; what lies outside is clamped.
        columns: images in a row; nearly as many as there are rows where it is not given.
    """
    columns = columns or max(1, round(len(images) ** 0.5))
    rows = -(-len(images) // columns)
    framed = F.pad(images.detach().clamp(0, 1), (1, 1, 1, 1), value=1.0)
    blank = framed.new_ones(rows * columns - len(images), *framed.shape[1:])
    grid = torch.cat([framed, blank]).unflatten(0, (rows, columns))
    return grid.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


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
    fill(grid, images, titles, rows)
    return figure


def fill(grid: np.ndarray, images: Tensor, titles: Sequence[str], rows: Sequence[str]) -> None:
    """Draw images into a grid of axes, row by row; what is left over stays empty."""
    for position, ax in enumerate(grid.flat):
        if position < len(images):
            draw_image(ax, images[position], titles[position] if titles else "")
        else:
            ax.axis("off")
    for ax, name in zip(grid[:, 0], rows, strict=False):
        ax.set_ylabel(name, fontsize=9)


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
