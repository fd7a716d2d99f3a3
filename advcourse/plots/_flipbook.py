"""Figures that follow each other, as one small picture that moves."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from advcourse.core.validation import check_above, check_count

if TYPE_CHECKING:
    from IPython.display import HTML


def flipbook(figures: Iterable[Figure], alt: str, *, seconds: float = 0.8, dpi: int = 70, colors: int = 32) -> HTML:
    """The figures one after the other, for ever: a GIF in a page's own text, with a text for those who do not see it.

    All are drawn in one palette, so that what stands still does not flicker; each is closed
    as soon as it is drawn, so that a generator of many holds one at a time.

    Args:
        figures: of one size, two or more, of ``matplotlib.pyplot``.
        alt: what is to be seen, in words.
        seconds: for which each stands.
        dpi: pixels an inch.
        colors: of the palette, 2 to 256: the fewer, the smaller the file.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    from IPython.display import HTML
    from PIL import Image

    check_above(0, seconds=seconds)
    check_count(dpi=dpi, colors=colors)
    frames = []
    for figure in figures:
        with io.BytesIO() as file:
            figure.savefig(file, format="png", dpi=dpi, facecolor="white")
            frames.append(Image.open(file).convert("RGB"))
        plt.close(figure)
    if len(frames) < 2 or not alt:
        raise ValueError(f"figures holds {len(frames)} and alt is {alt!r}, expected two or more, and words")
    if len({frame.size for frame in frames}) > 1:
        raise ValueError(f"figures have sizes {sorted({frame.size for frame in frames})} in pixels, expected one size")
    width, height = frames[0].size
    sheet = Image.new("RGB", (width, height * len(frames)))
    for k, frame in enumerate(frames):
        sheet.paste(frame, (0, k * height))
    palette = sheet.quantize(colors)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    with io.BytesIO() as file:
        first.save(file, "GIF", save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0)
        data = base64.b64encode(file.getvalue()).decode()
    return HTML(f'<img src="data:image/gif;base64,{data}" width="{width}" alt="{html.escape(alt, quote=True)}">')
