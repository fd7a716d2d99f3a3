"""Image quilting: the image sewn together again from patches of other, clean images."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.validation import check_choice, check_count, check_images
from advcourse.defenses._patches import cut_out, grid_starts, nearest_patches

BLENDS = ("cut", "mean")


class Quilting(nn.Module):
    """Image quilting: every patch of a grid replaced by one of the k nearest of a database of clean ones.

    With aᵢ the image's patch at position i of the grid and b₁, … the database::

        i ↦ b_J,  J uniform among the k least of ‖aᵢ - b_j‖₂

    The patches overlap and are laid row by row. Blended by the cut, what lies there already stays on its side of the
    boundary along which it differs least from the new patch, path included::

        E(y, x) = e(y, x) + min{E(y-1, x-1), E(y-1, x), E(y-1, x+1)},  e the squared difference of the two

    through the overlap with the patch on the left and, transposed, with the one above; where both meet, a pixel is new
    that is beyond both. The last position of a row or column of the grid is where the image ends, so that its overlap
    may be wider than the others' and no pixel is lost.

    Random in eval mode too. No gradient passes: an attack on ``nn.Sequential(quilting, network)`` is refused, and
    one that knows the defense is one on ``wrappers.eot(network, wrappers.bpda(quilting, SoftQuilting(patches)),
    samples)``: the identity in place of ``SoftQuilting`` knows nothing of the choice among the patches.

    The patches are a copy, in the buffer ``patches``, which moves with the module. ``state_dict`` leaves it out: the
    defense counts on the attacker not knowing the database, and a checkpoint that is handed around shall not give it
    away. Whoever loads one builds the module with the same patches. (A module pickled whole holds them.)

    Args:
        patches: the database, ``(M, C, p, p)`` in [0, 1], as of ``sample_patches``.
        k: how many are drawn from, at most M. With 1 nothing is random.
        overlap: of neighbours, in pixels, less than p.
        blend: ``"cut"``, the minimum-error boundary; or ``"mean"``, of all patches that cover a pixel.

    ``forward(images, generator=None)`` takes ``(N, C, H, W)`` in [0, 1], H and W at least p, in float32 or float64 on
    the patches' device, and returns as many, without a graph. Each image and position draws for itself, from the
    generator or the global random state.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Guo, Rana, Cissé & van der Maaten 2018, arXiv:1711.00117; quilting and the boundary are those of Efros &
    Freeman 2001 (SIGGRAPH).
    """

    patches: Tensor

    def __init__(self, patches: Tensor, *, k: int = 10, overlap: int = 2, blend: str = "cut"):
        super().__init__()
        check_images(patches, "patches")
        height, width = patches.shape[2:]
        if height != width:
            raise ValueError(f"patches is {height}x{width} pixels, expected square ones")
        check_count(k=k)
        check_count(at_least=0, overlap=overlap)
        check_choice("blend", blend, BLENDS)
        if k > len(patches):
            raise ValueError(f"k is {k}, expected at most {len(patches)}: as many patches as there are")
        if overlap >= width:
            raise ValueError(f"overlap is {overlap}, expected at most {width - 1}: less than a patch of {width} pixels")
        self.k, self.overlap, self.blend = int(k), int(overlap), blend
        self.register_buffer("patches", patches.detach().clamp(0, 1).contiguous(), persistent=False)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        own, tops, lefts = self.cut(images)
        patches = self.patches.to(images.dtype)
        near = nearest_patches(own.flatten(0, 1).flatten(1), patches.flatten(1), self.k)
        device = images.device if generator is None else generator.device
        drawn = torch.randint(self.k, own.shape[:2], generator=generator, device=device).to(images.device)
        chosen = patches[near.gather(1, drawn.view(-1, 1)).view(drawn.shape)]
        return _sewn(chosen, tops, lefts, self.blend)

    def extra_repr(self) -> str:
        count, channels, size, _ = self.patches.shape
        return f"{count} patches {channels}x{size}x{size}, k={self.k}, overlap={self.overlap}, blend={self.blend!r}"

    def cut(self, images: Tensor) -> tuple[Tensor, list[int], list[int]]:
        """The images' own patches ``(N, R L, C, p, p)`` on the grid, and the first rows and columns of its positions.

        Raises:
            ValueError: for images of other channels than the patches, smaller than these, or elsewhere.
        """
        check_images(images)
        (channels, height, width), (ours, size, _) = images.shape[1:], self.patches.shape[1:]
        if channels != ours:
            raise ValueError(f"images has {channels} channels, expected {ours}, as the patches")
        if min(height, width) < size:
            raise ValueError(f"images is {height}x{width} pixels, expected at least {size}x{size}, the size of a patch")
        if images.device != self.patches.device:
            raise ValueError(f"patches is on {self.patches.device} and images on {images.device}, expected one device")
        tops, lefts = (grid_starts(length, size, self.overlap) for length in (height, width))
        return cut_out(images, tops, lefts, size), tops, lefts


def cheapest_path(error: Tensor, width: Tensor) -> Tensor:
    """The way down through each table of errors along which their sum is least: dynamic programming.

    A path has one column in every row, at most one to the side of that in the row before.

    Args:
        error: ``(…, rows, columns)``.
        width: how many of the first columns are open; its axes are the last of ``…``.

    Returns:
        The columns, int64 ``(…, rows)``; of paths that cost the same the one further left. -1 where none is open.
    """
    columns = torch.arange(error.shape[-1], device=error.device)
    cost = error.masked_fill(columns >= width.clamp_min(1)[..., None, None], torch.inf)
    totals = [cost[..., 0, :]]
    for row in range(1, error.shape[-2]):
        totals.append(cost[..., row, :] + _around(totals[-1]).amin(-1))
    path = [totals[-1].argmin(-1)]
    for total in totals[-2::-1]:
        near = _around(total).gather(-2, path[-1][..., None, None].expand(*path[-1].shape, 1, 3)).squeeze(-2)
        path.append(path[-1] + near.argmin(-1) - 1)
    return torch.where(width[..., None] > 0, torch.stack(path[::-1], -1), -1)


def _around(total: Tensor) -> Tensor:
    """Every entry with its neighbours left and right, ``(…, columns, 3)``; none is beyond the edge."""
    return F.pad(total, (1, 1), value=torch.inf).unfold(-1, 3, 1)


def _sewn(chosen: Tensor, tops: list[int], lefts: list[int], blend: str) -> Tensor:
    """The patches ``(N, R L, C, p, p)`` laid row by row; those that share no pixel at the same time."""
    size, device = chosen.shape[-1], chosen.device
    pixels, columns = torch.arange(size, device=device), len(lefts)
    canvas = chosen.new_zeros(len(chosen), chosen.shape[2], tops[-1] + size, lefts[-1] + size)
    covered = chosen.new_zeros(canvas.shape[2:])
    top, left, high, wide = (
        torch.tensor(each, device=device) for each in (tops, lefts, _shared(tops, size), _shared(lefts, size))
    )
    for rows, across in _waves(len(tops), lefts, size):
        row, column = (torch.tensor(each, device=device) for each in (rows, across))
        y, x = top[row][:, None, None] + pixels[:, None], left[column][:, None, None] + pixels
        old, new = canvas[:, :, y, x], chosen[:, row * columns + column].transpose(1, 2)
        if blend == "mean":
            covered[y, x] += 1
            canvas[:, :, y, x] = old + (new - old) / covered[y, x]
        else:
            error = (new - old).square().sum(1)
            right = pixels > cheapest_path(error, wide[column])[..., None]
            below = pixels[:, None] > cheapest_path(error.mT, high[row])[..., None, :]
            canvas[:, :, y, x] = torch.where((right & below)[:, None], new, old)
    return canvas


def _shared(starts: list[int], size: int) -> list[int]:
    """How many pixels each position shares with the one before."""
    return [0, *(before + size - start for before, start in zip(starts, starts[1:], strict=False))]


def _waves(rows: int, lefts: list[int], size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Rows and columns of positions that share no pixel, all that they do share one with and precede them laid before.

    A row is ``apart`` positions behind the one above, the least number that are always a patch apart.
    """
    columns = len(lefts)
    apart = next(n for n in range(1, columns + 1) if all(b - a >= size for a, b in zip(lefts, lefts[n:], strict=False)))
    for time in range(columns + apart * (rows - 1)):
        wave = [row for row in range(rows) if 0 <= time - apart * row < columns]
        yield wave, [time - apart * row for row in wave]
