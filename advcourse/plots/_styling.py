"""One style and one colour-blind-safe palette for every figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that stay apart for colour-blind readers (Okabe & Ito 2008)."""

STYLE: dict[RcKeyType, Any] = {
    "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=["-", "--", "-.", ":", "-", "--", "-."]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
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


def axes_or_new(ax: Axes | None, width: float = 5.5, height: float = 3.4) -> Axes:
    """The axes given, or those of a new figure of that size in inches."""
    return plt.subplots(figsize=(width, height))[1] if ax is None else ax


def array(values: Tensor) -> np.ndarray:
    """A tensor as matplotlib takes it."""
    return values.detach().cpu().numpy()
