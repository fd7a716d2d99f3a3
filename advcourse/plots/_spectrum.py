"""Singular values, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from torch import Tensor

from advcourse.plots._styling import array, axes_or_new, style


@style()
def spectrum(values: Mapping[str, Tensor], *, ax: Axes | None = None) -> Axes:
    """Singular values in falling order against their number, which counts from 1.

    Args:
        values: by name, each ``(n,)``, from 0 on.
        ax: where to draw.

    Raises:
        ValueError: for values that are not one row of numbers from 0 on.
    """
    ax = axes_or_new(ax, 6.2, 3.0)
    for name, each in values.items():
        if each.dim() != 1 or not (each >= 0).all():
            raise ValueError(f"values[{name!r}] is {tuple(each.shape)}, expected (n,), none below 0")
        ax.plot(range(1, len(each) + 1), array(each.sort(descending=True).values), label=name)
    ax.set(xlabel="number of the singular value", ylabel="singular value", ylim=(0, None))
    ax.legend()
    return ax
