"""Motion fields as arrows on the image that they move."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.core.validation import check_above, check_count, check_flow, check_images
from advcourse.plots._images import draw_image, magnify
from advcourse.plots._styling import array, style

INK = "#00296b"
GROUND = 0.55
"""The image under the arrows is drawn in greys from here to white, on which that ink is seen everywhere."""
SHORTEST = 0.05
"""Of the longest arrow; what is shorter is not drawn."""


@style()
def draw_field(
    ax: Axes,
    image: Tensor,
    field: Tensor,
    *,
    every: int | None = None,
    factor: float = 1.0,
    color: str = INK,
    title: str = "",
) -> Axes:
    """The arrows of a motion field on its image in pale greys; each starts at the centre of the pixel it belongs to.

    Args:
        ax: where to draw.
        image: ``(C, H, W)`` in [0, 1].
        field: ``(2, H, W)``, in pixels of the image: channel 0 to the right, channel 1 down, as they are drawn.
        every: one arrow for so many pixels along each side; where it is not given, about 16 along the longer one.
        factor: an arrow is so many times as long as its motion; say so in the title where it is not 1.
        color: of the arrows, a dark one. Where a pixel moves by less than 5 % of what the field moves at the most
            there is none.
        title: above the image.

    Returns:
        ``ax``, cut to the image: what an arrow reaches beyond it is not seen.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_images(image[None] if isinstance(image, Tensor) else image, "image")
    check_flow(field[None].to(image) if isinstance(field, Tensor) else field, image[None], "field", finite=True)
    height, width = image.shape[1:]
    every = max(1, round(max(height, width) / 16)) if every is None else every
    check_count(every=every)
    check_above(0, factor=factor)
    draw_image(ax, GROUND + (1 - GROUND) * image.mean(0, keepdim=True), title)
    rows, columns = torch.meshgrid(
        *(torch.arange((side - 1) % every // 2, side, every) for side in (height, width)), indexing="ij"
    )
    moved, longest = field.cpu()[:, rows, columns], field.norm(dim=0).max().item()
    long = moved.norm(dim=0) >= max(SHORTEST * longest, torch.finfo(moved.dtype).tiny)
    right, down = array(moved[:, long])
    ax.quiver(
        array(columns[long]),
        array(rows[long]),
        right,
        down,
        color=color,
        pivot="tail",
        angles="xy",
        scale_units="xy",
        scale=1 / factor,  # in pixels, along the axes as they point
        units="xy",
        width=0.1 * every,
        headwidth=3.4,
        headlength=4,
        headaxislength=3.6,
        minshaft=1.5,
        minlength=0,
    )
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax


@style()
def show_motion(
    images: Tensor,
    fields: Tensor,
    moved: Tensor,
    titles: Sequence[tuple[str, str]],
    *,
    every: int | None = None,
    factor: float = 1.0,
    size: float = 1.9,
) -> Figure:
    """A row for each image: the image, its motion field as arrows, the image moved, and the difference of the two.

    Args:
        images, moved: ``(N, C, H, W)`` in [0, 1].
        fields: ``(N, 2, H, W)``, in pixels, as ``draw_field`` takes one.
        titles: above the image, and above the image moved, for each row.
        every, factor: as in ``draw_field``.
        size: of one image, in inches.
    """
    figure, grid = plt.subplots(len(images), 4, figsize=(4 * size, (size + 0.23) * len(images)), squeeze=False)
    for row, image, field, result, (before, after) in zip(grid, images, fields, moved, titles, strict=True):
        change, times = magnify(result - image)
        draw_image(row[0], image, before)
        draw_field(row[1], image, field, every=every, factor=factor, title=f"motion × {factor:g}")
        draw_image(row[2], result, after)
        draw_image(row[3], change, f"difference × {times}")
    return figure
