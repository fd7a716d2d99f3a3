"""Patches of images: drawn for a database, cut out on a grid, and for each its nearest in the database."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.validation import check_count, check_images

HELD = 2**22
"""Numbers held at a time while the nearest are looked for."""
BLOCK = 128
"""Distances of which the least is taken before any is sorted."""
SPARE = 22
"""Patches measured again beside the k nearest."""


@torch.no_grad()
def sample_patches(images: Tensor, count: int, size: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Square patches of images, each from an image and a position drawn uniformly, with replacement.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        count: how many, M.
        size: p, their side in pixels.
        generator: draws; the global random state does where it is not given.

    Returns:
        ``(M, C, p, p)`` in [0, 1], on the images' device.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_images(images)
    check_count(count=count, size=size)
    height, width = images.shape[2:]
    if size > min(height, width):
        raise ValueError(
            f"size is {size}, expected at most {min(height, width)}: the images are {height}x{width} pixels"
        )
    device = images.device if generator is None else generator.device
    image, top, left = (
        torch.randint(high, (int(count), 1, 1), generator=generator, device=device).to(images.device)
        for high in (len(images), height - size + 1, width - size + 1)
    )
    pixels = torch.arange(int(size), device=images.device)
    return images[image, :, top + pixels[:, None], left + pixels].permute(0, 3, 1, 2).contiguous()


def grid_starts(length: int, size: int, overlap: int) -> list[int]:
    """First pixels of patches side by side: ``size - overlap`` apart, but the last, which ends where the image does."""
    last = length - size
    return [*range(0, last, size - overlap), last]


def cut_out(images: Tensor, tops: list[int], lefts: list[int], size: int) -> Tensor:
    """The images' patches at every top and left, ``(N, R L, C, p, p)``, one row after the other."""
    everywhere = images.unfold(2, size, 1).unfold(3, size, 1)
    return everywhere[:, :, tops][:, :, :, lefts].permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


@torch.no_grad()
def nearest_patches(queries: Tensor, patches: Tensor, k: int) -> Tensor:
    """The k rows of the patches that are nearest in l2 to each row of the queries, the nearest first.

    One matrix product gives all distances but for what they share::

        ‖a - b‖² - ‖a‖² = ‖b‖² - 2 a·b

    in float32, where those of close patches drown in rounding. So k and some more are taken by it and measured again,
    ‖a - b‖² in float64. A row whose k-th is not nearer than rounding may have put what was left out is measured against
    all. (In the queries' own precision on other devices: MPS has no float64.) Of patches equally far any may be taken.

    Args:
        queries: ``(Q, D)``.
        patches: ``(M, D)``, M ≥ k.

    Returns:
        int64 ``(Q, k)``.
    """
    exact = torch.float64 if queries.device.type in ("cpu", "cuda") else queries.dtype
    padded = F.pad(patches.float(), (0, 0, 0, -len(patches) % BLOCK))
    offsets = padded.square().sum(1, keepdim=True)
    offsets[len(patches) :] = torch.inf
    columns = torch.cat([-2 * padded, offsets], 1).T.contiguous()
    taken = min(k + SPARE, len(patches))
    at_a_time = max(1, HELD // max(columns.shape[1], taken * patches.shape[1]))
    held = columns.new_empty(min(at_a_time, len(queries)), columns.shape[1])
    found, doubtful = [], []
    for rows in queries.split(at_a_time):
        torch.mm(F.pad(rows.float(), (0, 1), value=1.0), columns, out=held[: len(rows)])
        scores, near = _lowest(held[: len(rows)], taken)
        squared, order = (rows.to(exact)[:, None] - patches[near].to(exact)).square().sum(2).sort(dim=1, stable=True)
        found.append(near.gather(1, order[:, :k]))
        doubtful.append(_unsure(scores.gather(1, order).to(exact), squared, rows.to(exact), k))
    nearest, unsure = torch.cat(found), torch.cat(doubtful).nonzero().squeeze(1)
    if taken < len(patches) and len(unsure):
        every, direct = patches.to(exact), "donot_use_mm_for_euclid_dist"
        for again in unsure.split(at_a_time):
            distance = torch.cdist(queries[again].to(exact), every, compute_mode=direct)
            nearest[again] = distance.topk(k, largest=False).indices
    return nearest


def _unsure(scores: Tensor, squared: Tensor, rows: Tensor, k: int) -> Tensor:
    """Rows of which something that was left out may be nearer than the k-th of what was taken, given in order.

    What was left out scores no lower than what was taken, up to the rounding of a product of D terms in float32, or
    eight times what is seen of it here where products are rounded more coarsely.
    """
    length, distance = rows.norm(dim=1, keepdim=True), squared.sqrt()
    estimated = scores + length.square()
    scale = (length + distance) * (3 * length + distance)  # at least ‖b‖² + 2 ‖a‖ ‖b‖
    seen = ((estimated - squared).abs() / scale.clamp_min(torch.finfo(scale.dtype).tiny)).max()
    error = scale[:, k - 1] * (8 * seen).clamp_min((rows.shape[1] + 4) * torch.finfo(torch.float32).eps)
    return squared[:, k - 1] > (estimated.amax(1) - error).clamp_min(0)


def _lowest(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The lowest of each row and where they are, by index: those of as many blocks, the blocks of the lowest minima.

    A block that holds one of the lowest has a minimum no higher, and of such there are at most ``count``.
    """
    blocks = scores.unflatten(1, (-1, BLOCK))
    best = blocks.amin(2).topk(min(count, blocks.shape[1]), largest=False).indices
    inside = blocks.gather(1, best[..., None].expand(-1, -1, BLOCK)).flatten(1)
    lowest, place = inside.topk(count, largest=False)
    index, order = (best.gather(1, place // BLOCK) * BLOCK + place % BLOCK).sort(dim=1)
    return lowest.gather(1, order), index
