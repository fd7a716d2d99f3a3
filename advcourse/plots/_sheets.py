"""Sheets of images, one for each row and column of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.plots._images import draw_image, tile
from advcourse.plots._styling import style


@style()
def show_sheets(
    sheets: Mapping[tuple[str, str], Tensor], rows: Sequence[str], columns: Sequence[str], *, across: int = 4
) -> Figure:
    """A table of sheets, each of the same number of images; a sheet that is missing leaves its place empty.

    Args:
        sheets: images ``(N, C, H, W)`` in [0, 1] by (row, column).
        rows, columns: in the order of the figure; a row's name stands at its left, a column's above it.
        across: images in a row of a sheet.
    """
    figure, grid = plt.subplots(len(rows), len(columns), squeeze=False, figsize=(7.4, 0.86 * len(rows) + 0.4), dpi=66)
    for name, line in zip(rows, grid, strict=True):
        for column, ax in zip(columns, line, strict=True):
            if (name, column) in sheets:
                draw_image(ax, tile(sheets[name, column], across), column if name == rows[0] else "")
            else:
                ax.axis("off")
        line[0].set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
    return figure
