"""Motion fields as arrows on the image that they move."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from torch import Tensor

from advcourse.core.validation import check_above, check_count, check_flow, check_images
from advcourse.plots._images import draw_image
from advcourse.plots._styling import PALETTE, array, style


@style()
def draw_field(
    ax: Axes,
    image: Tensor,
    field: Tensor,
    *,
    every: int | None = None,
    factor: float = 1.0,
    color: str = PALETTE[1],
    title: str = "",
) -> Axes:
    """One image and, on it, the arrows of a motion field; each starts at the centre of the pixel it belongs to.

    Args:
        ax: where to draw.
        image: ``(C, H, W)`` in [0, 1].
        field: ``(2, H, W)``, in pixels of the image: channel 0 to the right, channel 1 down, as they are drawn.
        every: one arrow for so many pixels along each side; where it is not given, about 16 along the longer one.
        factor: an arrow is so many times as long as its motion; say so in the title where it is not 1.
        color: of the arrows, which have a white rim. Where nothing moves there is a dot.
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
    draw_image(ax, image, title)
    rows, columns = (torch.arange((side - 1) % every // 2, side, every) for side in (height, width))
    right, down = array(field.cpu()[:, rows[:, None], columns])
    ax.quiver(
        array(columns),
        array(rows),
        right,
        down,
        color=color,
        pivot="tail",
        angles="xy",
        scale_units="xy",
        scale=1 / factor,  # in pixels, along the axes as they point
        units="xy",
        width=0.08 * every,
        headwidth=4,
        headlength=5,
        headaxislength=4.5,
        minlength=0.5,
        path_effects=[withStroke(linewidth=1.0, foreground="white")],
    )
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ax
