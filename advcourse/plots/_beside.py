"""One large panel beside a grid of images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.core.validation import check_count, check_images
from advcourse.plots._images import fill
from advcourse.plots._styling import style


@style()
def beside(
    images: Tensor, titles: Sequence[str] = (), *, columns: int, rows: Sequence[str] = (), wide: float = 2.2
) -> tuple[Figure, Axes]:
    """A free panel at the left, and images in a grid, row by row, at its right; 7.6 inches in all.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        titles: one per image, drawn above it.
        columns: images in a row.
        rows: a name for each row, drawn at its left.
        wide: of the free panel, in inches, below 7.

    Returns:
        The figure and the free panel, to draw on.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_images(images)
    check_count(columns=columns)
    if len(titles) not in (0, len(images)):
        raise ValueError(f"titles holds {len(titles)} names, expected {len(images)}: one per image")
    if not 0 < wide < 7:
        raise ValueError(f"wide is {wide}, expected inches between 0 and 7")
    count = -(-len(images) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    height = count * ((7.5 - wide) / columns + 0.17 * lines)
    figure = plt.figure(figsize=(7.6, max(height, wide)))
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(wide, 7.6 - wide))[0]
    free = left.subplots()
    grid = right.subplots(count, columns, squeeze=False)
    fill(grid, images, titles, rows)
    return figure, free
