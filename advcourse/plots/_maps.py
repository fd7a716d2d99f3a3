"""Maps that are positive here and negative there."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.plots._styling import array, style


@style()
def show_maps(
    maps: Tensor, titles: Sequence[str] = (), *, columns: int | None = None, rows: Sequence[str] = (), size: float = 1.3
) -> Figure:
    """Maps ``(N, H, W)`` in a grid, row by row: blue below zero, white at zero, red above.

    Each is scaled by its own largest value without sign, so that the signs can be told and sizes are not compared.

    Args:
        maps: of any size.
        titles: one per map, drawn above it.
        columns: maps in a row; all of them where it is not given.
        rows: a name for each row, drawn at its left.
        size: of one map, in inches.
    """
    columns = columns or len(maps)
    count = -(-len(maps) // columns)
    shape = (size * columns + 0.25 * bool(rows), (size + 0.2 * bool(titles)) * count)
    figure, grid = plt.subplots(count, columns, figsize=shape, squeeze=False)
    for position, ax in enumerate(grid.flat):
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        if position >= len(maps):
            ax.set_visible(False)
            continue
        largest = maps[position].abs().max().item() or 1.0
        ax.imshow(array(maps[position] / largest), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        ax.spines[:].set(visible=True, color="#999999", linewidth=0.6)
        ax.set_title(titles[position] if titles else "", fontsize=9)
    for ax, name in zip(grid[:, 0], rows, strict=False):
        ax.set_ylabel(name, fontsize=9)
    return figure
