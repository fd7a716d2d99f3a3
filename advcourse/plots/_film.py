"""Pictures that move, with a still one for pages on which nothing does."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from advcourse.core.validation import check_above, check_count
from advcourse.plots._styling import style


@dataclass(frozen=True)
class Film:
    """An animated GIF that begins again at its end; a notebook shows it as an image in HTML.

    Notebook pages that show no HTML, such as those made for print, have the still picture. (Jupyter's own type for
    GIFs is left out by ``nbconvert`` to HTML.)

    Attributes:
        gif: the bytes of the GIF.
        still: those of a PNG of the last picture.
        alt: what it shows, in words.
    """

    gif: bytes = field(repr=False)
    still: bytes = field(repr=False)
    alt: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        gif, still = (base64.b64encode(data).decode("ascii") for data in (self.gif, self.still))
        words = html.escape(self.alt)
        page = f'<img alt="{words}" src="data:image/gif;base64,{gif}" style="max-width: 100%">'
        return {"text/html": page, "image/png": still, "text/plain": self.alt}


@style()
def film(
    draw: Callable[[Figure, int], object],
    count: int,
    *,
    alt: str,
    size: tuple[float, float] = (7.6, 3.9),
    seconds: float = 0.8,
    last: float = 2.5,
    colours: int = 64,
) -> Film:
    """The pictures that ``draw`` makes of an empty figure and a number from 0 to ``count - 1``, one after the other.

    Args:
        draw: ``(figure, i)`` draws picture i.
        count: of pictures.
        alt: what the film shows, in words.
        size: in inches, 90 pixels each.
        seconds: that each picture stays; ``last``: that the last one does.
        colours: in all, 256 at the most; few make a small file.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_count(count=count, colours=colours)
    check_above(0, seconds=seconds, last=last)
    if not alt:
        raise ValueError(f"alt is {alt!r}, expected what the film shows, in words")
    if colours > 256:
        raise ValueError(f"colours is {colours}, expected 256 at the most")
    pictures = []
    for i in range(count):
        figure = Figure(figsize=size)
        canvas = FigureCanvasAgg(figure)
        draw(figure, i)
        canvas.draw()
        pictures.append(np.asarray(canvas.buffer_rgba())[..., :3])
    frames = _indexed(np.stack(pictures), colours)
    gif, still = io.BytesIO(), io.BytesIO()
    pause = [round(1000 * seconds)] * (count - 1) + [round(1000 * last)]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=pause, loop=0, optimize=True)
    frames[-1].save(still, "PNG", optimize=True)
    return Film(gif.getvalue(), still.getvalue(), alt)


def _indexed(pictures: np.ndarray, colours: int) -> list[Image.Image]:
    """Pictures ``(T, H, W, 3)`` in so many colours; half are their most frequent ones, so that areas keep theirs."""
    rows = pictures.reshape(-1, 3)
    codes, place, counts = np.unique(rows @ [65536, 256, 1], return_inverse=True, return_counts=True)
    every = np.stack([codes // 65536, codes // 256 % 256, codes % 256], axis=1)
    palette = every[np.argsort(-counts, kind="stable")[: (colours + 1) // 2]]
    if left := colours - len(palette):
        strip = Image.fromarray(pictures.reshape(-1, *pictures.shape[2:])).quantize(left)
        palette = np.concatenate([palette, np.reshape(strip.getpalette() or [], (-1, 3))[:left]])
    nearest = np.concatenate([((part[:, None] - palette) ** 2).sum(2).argmin(1) for part in np.array_split(every, 64)])
    frames = []
    for indices in nearest[place].reshape(pictures.shape[:3]).astype(np.uint8):
        frames.append(Image.fromarray(indices, "P"))
        frames[-1].putpalette(palette.astype(np.uint8).tobytes())
    return frames
