"""Image quilting once more, in loops: patches on a grid, the k nearest, the blend, the cheapest of all paths."""

from itertools import product

import numpy as np


def starts(length: int, size: int, overlap: int) -> list[int]:
    found = [0]
    while found[-1] + size < length:
        found.append(min(found[-1] + size - overlap, length - size))
    return found


def corners(height: int, width: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Top left pixels, one row after the other."""
    return [(top, left) for top in starts(height, size, overlap) for left in starts(width, size, overlap)]


def distances(image: np.ndarray, patches: np.ndarray, top: int, left: int) -> np.ndarray:
    size = patches.shape[-1]
    own = image[:, top : top + size, left : left + size]
    return np.array([np.sqrt(((own - patch) ** 2).sum()) for patch in patches])


def paths(rows: int, columns: int) -> list[tuple[int, ...]]:
    """Every way down through a table, a column for each row, at most one to the side at each step."""
    ways = product(range(columns), repeat=rows)
    return [way for way in ways if all(abs(a - b) <= 1 for a, b in zip(way, way[1:], strict=False))]


def price(error: np.ndarray, path: tuple[int, ...]) -> float:
    return sum(error[row, column] for row, column in enumerate(path))


def cheapest(error: np.ndarray) -> tuple[int, ...]:
    return min(paths(*error.shape), key=lambda path: price(error, path))


def sewn(patches: list[np.ndarray], height: int, width: int, overlap: int, blend: str) -> np.ndarray:
    """The patches laid from left to right and from top to bottom over what lies there already."""
    channels, size, _ = patches[0].shape
    canvas, covered = np.zeros((channels, height, width)), np.zeros((height, width), int)
    rows, columns = starts(height, size, overlap), starts(width, size, overlap)
    for number, patch in enumerate(patches):
        row, column = divmod(number, len(columns))
        top, left = rows[row], columns[column]
        here = np.s_[top : top + size, left : left + size]
        old, kept = canvas[:, *here].copy(), np.zeros((size, size), bool)
        error = ((old - patch) ** 2).sum(0)
        if column:
            shared = columns[column - 1] + size - left
            for y, x in enumerate(cheapest(error[:, :shared]) if shared else [-1] * size):
                kept[y, : x + 1] = True
        if row:
            shared = rows[row - 1] + size - top
            for x, y in enumerate(cheapest(error[:shared].T) if shared else [-1] * size):
                kept[: y + 1, x] = True
        canvas[:, *here] = old + patch if blend == "mean" else np.where(kept, old, patch)
        covered[here] += 1
    return canvas / covered if blend == "mean" else canvas
