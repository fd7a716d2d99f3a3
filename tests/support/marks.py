"""What of a plot's data lies under a rectangle of the picture: lines, markers, areas, bars, images."""

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.collections import Collection, QuadMesh
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox


def _opaque(colours: object) -> bool:
    """Whether any of the colours (n, 4) is seen."""
    return bool((np.atleast_2d(np.asarray(colours))[:, 3:] > 0).any())


def _near(points: np.ndarray, box: Bbox, reach: float | np.ndarray) -> bool:
    """Whether any of the points (n, 2) lies in the box or within that of it."""
    outside = np.maximum(np.maximum(box.min - points, points - box.max), 0)
    return bool((np.hypot(*outside.T) <= reach).any())


def _line(line: Line2D, box: Bbox, dpi: float) -> bool:
    x, y = line.get_data(orig=False)
    if line.get_drawstyle() != "default":
        x, y = STEP_LOOKUP_MAP[line.get_drawstyle()](x, y)
    path = line.get_transform().transform_path(Path(np.column_stack([x, y]))) if len(x) else None
    if path is None:
        return False
    drawn = line.get_linestyle() not in {"None", " ", ""} and line.get_linewidth() > 0
    marked = line.get_marker() not in {"None", " ", "", None}
    finite = path.vertices[np.isfinite(path.vertices).all(1)]
    return (drawn and path.intersects_bbox(box, filled=False)) or (
        marked and len(finite) > 0 and _near(finite, box, line.get_markersize() / 2 * dpi / 72)
    )


def _outlines(collection: Collection) -> Iterator[Path]:
    """Each member's path in pixels."""
    paths, scales = collection.get_paths(), collection.get_transforms()
    offsets = np.ma.filled(collection.get_offset_transform().transform(collection.get_offsets()), np.nan)
    placed = collection.get_transform()
    for i in range(max(len(paths), len(offsets)) if paths else 0):
        path = paths[i % len(paths)]
        if len(scales):
            path = Affine2D(scales[i % len(scales)]).transform_path(path)
        shift = offsets[i % len(offsets)]
        if np.isfinite(shift).all() and len(path.vertices):
            yield Affine2D().translate(*shift).transform_path(placed.transform_path(path))


def _collection(collection: Collection, box: Bbox) -> bool:
    if isinstance(collection, QuadMesh):
        corners = collection.get_transform().transform(collection.get_coordinates().reshape(-1, 2))
        return Bbox([corners.min(0), corners.max(0)]).overlaps(box)
    filled = _opaque(collection.get_facecolor())
    if not filled and not _opaque(collection.get_edgecolor()):
        return False
    return any(path.intersects_bbox(box, filled=filled) for path in _outlines(collection))


def _covers(artist: Artist, box: Bbox, dpi: float) -> bool:
    if isinstance(artist, Line2D):
        return _line(artist, box, dpi)
    if isinstance(artist, Collection):
        return _collection(artist, box)
    if isinstance(artist, AxesImage):
        return artist.get_window_extent().overlaps(box)
    if isinstance(artist, Patch):
        filled = artist.get_fill() and _opaque([artist.get_facecolor()])
        if not filled and not _opaque([artist.get_edgecolor()]):
            return False
        return artist.get_transform().transform_path(artist.get_path()).intersects_bbox(box, filled=filled)
    return False


def _background(artist: Artist) -> bool:
    """Not to be seen, or an area that was laid under everything else on purpose."""
    below = artist.get_zorder() <= 0 and not isinstance(artist, AxesImage)
    return below or not artist.get_visible() or artist.get_alpha() == 0


def marks_under(ax: Axes, box: Bbox) -> str:
    """The first artist of the axes' data that is drawn under the box (pixels), named; nothing where there is none."""
    inside = Bbox.intersection(ax.bbox, box)
    for artist in ax.get_children():
        if artist is ax.patch or artist in ax.spines.values() or _background(artist):
            continue
        here = inside if artist.get_clip_on() else box
        if here is not None and here.width > 0 and here.height > 0 and _covers(artist, here, ax.figure.dpi):
            label = artist.get_label()
            kind = {Line2D: "a line", AxesImage: "an image"}.get(type(artist), f"data ({type(artist).__name__})")
            return f"{kind} {label!r}" if isinstance(label, str) and label and not label.startswith("_") else kind
    return ""


def under_the_grid(ax: Axes) -> str:
    """The first area, bar, marker or image that the grid is drawn over, named; nothing where there is none."""
    shown = ax.axison and [
        axis.get_zorder()
        for axis in (ax.xaxis, ax.yaxis)
        if axis.get_visible() and any(tick.gridline.get_visible() for tick in axis.get_major_ticks())
    ]
    for artist in ax.get_children() if shown and ax.name == "rectilinear" else ():
        data = isinstance(artist, (Patch, Collection, AxesImage)) and artist is not ax.patch
        if data and not _background(artist) and artist.get_zorder() < max(shown):
            return f"data ({type(artist).__name__})"
    return ""
