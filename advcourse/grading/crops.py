"""Checks of the gradient of an expected loss over crops of an image: the positions drawn, and the mean over them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.warps import enlarged
from advcourse.grading.checks import fail, leaves_no_trace, no_graph, slack, tensor, values
from advcourse.grading.through import Shown


def window(images: Tensor, positions: Tensor, side: int) -> Tensor:
    """Of each image the square at its own position, enlarged bilinearly to the image's size; differentiable.

    Args:
        images: ``(N, C, H, W)``.
        positions: int64 ``(N, 2)``, row and column of the upper left corner, up to H - side and W - side.
        side: of the square, in pixels.
    """
    if tuple(positions.shape) != (len(images), 2):
        raise ValueError(
            f"positions has shape {tuple(positions.shape)}, expected ({len(images)}, 2): one for each image"
        )
    reach = torch.arange(side)
    return enlarged(images, *(positions[:, axis, None] + reach for axis in (0, 1)))


# -- positions, one in each part


def stratified(function: Callable, count: int, draws: int, rows: int, columns: int, seed: int = 0) -> Tensor:
    """Positions of which each image has one in every n-th part of the rows and of the columns; returns them."""
    name = f"crop_positions({count}, {draws}, {rows}, {columns})"
    generator, state = torch.Generator().manual_seed(seed), torch.get_rng_state()
    result = function(count, draws, rows, columns, generator)
    again = function(count, draws, rows, columns, generator)
    repeated = function(count, draws, rows, columns, torch.Generator().manual_seed(seed))
    if not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=generator` to what draws")
    found = tensor(result, name, shape=(count, draws, 2), dtype=torch.int64, images=False)
    if min(rows, columns) >= 10 * draws and torch.equal(found, torch.as_tensor(again)):
        fail(f"{name}: two calls give the same positions: is nothing random, or the generator seeded again?")
    if not torch.equal(found, torch.as_tensor(repeated)):
        fail(f"{name}: two generators in the same state should give the same positions")
    sides = torch.tensor([rows, columns])
    if (found < 0).any() or (found >= sides).any():
        most = found.flatten(0, 1).amax(0).tolist()
        if found.min() >= 0 and most[0] < columns and most[1] < rows:
            fail(f"{name}: rows and columns are exchanged: a position is (row, column), rows 0 to {rows - 1}")
        told = f"positions reach row {most[0]} and column {most[1]}"
        fail(f"{name}: {told} (least: {int(found.min())}); expected rows 0 to {rows - 1}, columns 0 to {columns - 1}")
    number_of = torch.arange(draws)
    for axis, word in enumerate(("rows", "columns")):
        total = int(sides[axis])
        low = (total * number_of).div(draws, rounding_mode="floor")
        high = (total * (number_of + 1) + draws - 1).div(draws, rounding_mode="floor") - 1
        ordered = found[..., axis].sort(1).values
        if ((ordered < low) | (ordered > high)).any():
            n = int(((ordered < low) | (ordered > high)).any(1).nonzero()[0])
            told = f"image {n} has the {word} {ordered[n].tolist()}"
            fail(f"{name}: {told}: expected one in each of {draws} equal parts of 0 to {total - 1}")
    return found


def mixed(function: Callable, draws: int = 4, count: int = 3000) -> None:
    """The parts of rows and columns are paired at random, image by image, and numbers lie anywhere in their part."""
    name, wide = "crop_positions", 1000
    found = stratified(function, count, draws, draws * wide, draws * wide, seed=3).double() / wide
    part, inside = found.floor().long(), found - found.floor()
    order = part[..., 0].argsort(1)
    pairing = part[..., 1].gather(1, order)
    for diagonal, word in ((torch.arange(draws), "the same"), (torch.arange(draws).flip(0), "opposite")):
        if torch.equal(pairing, diagonal.expand_as(pairing)):
            fail(f"{name}: rows and columns come in {word} order, along a diagonal: pair their parts at random")
    if (pairing == pairing[0]).all():
        fail(f"{name}: every image pairs rows and columns in the same order: draw an order for each image")
    turned = (pairing - pairing[:, :1]) % draws
    if draws > 2 and any(torch.equal(turned, (s * torch.arange(draws) % draws).expand_as(turned)) for s in (1, -1)):
        fail(
            f"{name}: columns are only shifted cyclically, as by torch.roll: at most {draws} of the "
            f"{math.factorial(draws)} orders come up, and every one should be equally likely"
        )
    share = torch.stack([F.one_hot(pairing[:, i], draws).double().mean(0) for i in range(draws)])
    if (share - 1 / draws).abs().max() > 6 * math.sqrt(1 / draws / count):
        fail(f"{name}: some pairs of parts come up more often than others: every order should be equally likely")
    if (orders := math.factorial(draws)) * 10 <= count and _uneven(pairing, orders):
        fail(f"{name}: some orders of the columns come up more often than others: every one should be equally likely")
    for axis, word in enumerate(("rows", "columns")):
        spot = inside[..., axis].gather(1, part[..., axis].argsort(1))
        if spot.std() < 0.02:
            fail(f"{name}: {word} lie at one place of their part: draw a uniform number in each")
        if draws > 1 and (spot - spot[:, :1]).abs().max() < 2 / wide:
            fail(f"{name}: all {word} of an image lie at the same place of their parts: draw a number for every part")
        if (spot - spot[:1]).abs().max() < 2 / wide:
            fail(f"{name}: all images have the same {word}: draw for every image")
        off = max(abs(spot.mean().item() - 0.5) / 0.29, abs(spot.square().mean().item() - 1 / 3) / 0.3)
        if off > 6 / math.sqrt(count):
            fail(f"{name}: {word} are not uniform in their part")
    spots = [inside[..., axis].gather(1, part[..., axis].argsort(1)) for axis in (0, 1)]
    if (spots[0] - spots[1]).abs().max() < 2 / wide or (inside[..., 0] - inside[..., 1]).abs().max() < 2 / wide:
        fail(f"{name}: rows and columns lie at the same place of their parts: draw for both")


def _uneven(pairing: Tensor, orders: int) -> bool:
    """Whether χ² of how often each order comes up is what even ones give once in 10⁹ times."""
    found = pairing.unique(dim=0, return_counts=True)[1].double()
    off = len(pairing) * (orders * (found / len(pairing)).square().sum() - 1)
    return bool(torch.special.gammaincc((off.new_tensor(orders) - 1) / 2, off / 2) < 1e-9)


def spread_variance(slopes: Tensor, draws: int) -> float:
    """E ‖ĝ - g‖₂² of the mean over crops that have one in every part of rows and columns; exact.

    With e(p, q) the gradient at a position less the mean of all, V the mean of ‖e‖², and m(i, j) the mean of e in part
    i of the rows and j of the columns::

        V / n + (Σᵢⱼ ‖m(i, j)‖² - Σᵢ ‖Σⱼ m(i, j)‖² - Σⱼ ‖Σᵢ m(i, j)‖²) / (n³ (n - 1))

    Args:
        slopes: ``(R, S, P)``, the gradient at every position.
        draws: n, crops of the image.
    """
    e = slopes.double() - slopes.double().mean((0, 1))
    one = e.square().sum(2).mean().item() / draws
    if draws == 1:
        return one
    rows, columns = (_shares(side, draws) for side in e.shape[:2])
    m = torch.einsum("ip,jq,pqk->ijk", rows, columns, e)
    joint = m.square().sum() - m.sum(0).square().sum() - m.sum(1).square().sum()
    return one + joint.item() / (draws**3 * (draws - 1))


def _shares(side: int, draws: int) -> Tensor:
    """How likely each of ``side`` rows is where a number is uniform in each of ``draws`` parts of [0, 1)."""
    part, row = torch.arange(draws)[:, None].double() / draws, torch.arange(side).double() / side
    both = torch.minimum(part + 1 / draws, row + 1 / side) - torch.maximum(part, row)
    return draws * both.clamp(min=0)


# -- the gradient of a mean loss over crops


def crop_averages(
    function: Callable, model: nn.Module, images: Tensor, labels: Tensor, side: int, positions: Tensor, at_once: int
) -> None:
    """The mean over each image's crops of the gradients of their losses, with few crops at a time."""
    name, (count, draws) = function.__name__, positions.shape[:2]
    shown, given = Shown(model), (images.clone(), labels.clone(), positions.clone())
    with leaves_no_trace(name, shown, *given):
        result = function(shown, *given[:2], side, given[2], at_once)
    found = tensor(result, name, shape=images.shape, dtype=images.dtype)
    no_graph(result, name)
    sizes = [len(p) for p in shown.points]
    if max(sizes, default=0) > at_once:
        fail(f"{name} showed the model {max(sizes)} crops in one call; at most at_once = {at_once} are allowed")
    if sum(sizes) > count * draws:
        fail(f"{name} showed the model {sum(sizes)} crops, expected {count * draws}: each once")
    if shown.switched():
        fail(f"{name} ran the model in another mode than the one it was in, train or eval: leave its mode alone")

    def slopes(where: Tensor) -> Tensor:
        return torch.stack([slope(model, images, labels, where[:, k], side) for k in range(draws)])

    each = slopes(positions)
    right = each.mean(0)
    crossed = positions.flatten(0, 1).view(draws, count, 2).transpose(0, 1)
    back = positions.transpose(0, 1).reshape(count, draws, 2)
    square, rows = images.shape[2] == images.shape[3], each.transpose(0, 1).flatten(0, 1)  # image by image
    number = torch.arange(count).repeat_interleave(draws)
    parts = [len(part) for part in rows.split(at_once) for _ in part]
    shares = rows / (torch.tensor(parts).view(-1, 1, 1, 1) * len(rows.split(at_once)))
    whole = torch.zeros_like(images).index_add_(0, number, shares)
    ending = len(rows.split(at_once)[-1])
    smaller = "the last part is smaller and counts as much as the others: add sums up, and divide once"
    wrong = {
        "that is the sum over the crops: take the mean": each.sum(0),
        "the mean over the images is taken too: every image has its own gradient": right / count,
        "that is the sum over crops divided by the number of images": each.sum(0) / count,
        'the loss is a mean over all crops shown, and is divided once more: reduction="sum"': right / (count * draws),
        "divide by the number of crops of one image, not by at_once": each.sum(0) / at_once,
        smaller: torch.stack([_of_parts(each[:, n], at_once) for n in range(count)]),
        smaller + ". Every image has its own gradient": whole,
        "that is a mean over parts: divide a sum by the number of crops": count * whole,
        "each part overwrites what the one before it gave": torch.zeros_like(images).index_add_(
            0, number[-ending:], rows[-ending:] / draws
        ),
        "that is the gradient of one crop": each[0],
        "that is the gradient of the last crop alone": each[-1],
        "images and positions are not in the same order: repeat_interleave goes with positions.flatten(0, 1)": slopes(
            crossed
        ).mean(0),
        "positions and images are not in the same order": slopes(back).mean(0),
        "every image is cropped at the positions of the first": slopes(positions[:1].expand_as(positions)).mean(0),
        "row and column are exchanged": slopes(positions.flip(2)).mean(0) if square else right,
        "the logits are averaged before the loss: average the losses": _of_means(
            model, images, labels, positions, side, 0
        ),
        "the probabilities are averaged before the logarithm: average the losses": _of_means(
            model, images, labels, positions, side, 1
        ),
    }
    values(found, right, name, wrong, rtol=0, atol=slack(right))


def _of_parts(rows: Tensor, at_once: int) -> Tensor:
    """The mean of the means of parts."""
    return torch.stack([part.mean(0) for part in rows.split(at_once)]).mean(0)


def slope(model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, positions: Tensor, side: int) -> Tensor:
    """The gradient of the cross-entropy at one crop of each image."""
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(window(x, positions, side)), labels, reduction="sum")
    return torch.autograd.grad(loss, x)[0]


def _of_means(model: nn.Module, images: Tensor, labels: Tensor, positions: Tensor, side: int, kind: int) -> Tensor:
    x = images.detach().clone().requires_grad_()
    logits = torch.stack([model(window(x, positions[:, k], side)) for k in range(positions.shape[1])])
    mean = logits.softmax(2).mean(0).log() if kind else logits.mean(0).log_softmax(1)
    return torch.autograd.grad(F.nll_loss(mean, labels, reduction="sum"), x)[0]
