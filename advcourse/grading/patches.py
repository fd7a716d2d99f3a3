"""Checks of one step of an adversarial patch: pasted into each image at its own corner, moved by a fixed length."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.grading.agreeing import SHARE
from advcourse.grading.checks import fail, in_box, leaves_no_trace, no_graph, tensor, values
from advcourse.grading.critics import double
from advcourse.grading.modes import unswitched

Losses = Callable[[Tensor, Tensor], Tensor]
Lay = Callable[[Tensor, Tensor], Tensor]


def steps_down(
    function: Callable,
    model: nn.Module,
    images: Tensor,
    patch: Tensor,
    mask: Tensor,
    corners: Tensor,
    targets: Tensor,
    step_size: float,
) -> None:
    """The patch is, after its step, the exact one. What the call leaves behind is for ``untraced``."""
    count = f"{len(images)} image{'s' if len(images) > 1 else ''}"
    name = f"{function.__name__}, {count}, patch of {' x '.join(map(str, patch.shape))}"
    given = [each.clone() for each in (images, patch, mask, corners, targets)]
    modes = [(m, m.training) for m in model.modules()]
    result = function(model, *given, step_size)
    for module, mode in modes:
        module.training = mode
    model.zero_grad()
    found = tensor(result, name, shape=patch.shape, dtype=patch.dtype).double()
    scene = double(model), images.double(), patch.double(), mask, corners, targets
    start, rows = scene[2], patch_slopes(*scene)
    right = stepped(start, rows.mean(0), mask, step_size)
    off = 1e-8 + SHARE[patch.dtype] * max(1e-2, step_size)
    if torch.allclose(found, right, rtol=0, atol=off):
        in_box(found, name)
        return
    if not rows.any():
        fail(f"{name}: the gradient is zero, so the patch stays as it is; it moved")
    for why, ways in _mistaken(*scene, step_size).items():
        if any(torch.allclose(found, each, rtol=0, atol=off) for each in ways):
            fail(f"{name}: {why}")
    in_box(found, name)
    hidden = ~mask.expand_as(start)
    if not torch.allclose(found[hidden], start[hidden], rtol=0, atol=off):
        fail(f"{name}: pixels of the patch that the mask hides have changed; they stay as they are")
    _told_of_length(found, start, rows.mean(0), mask, step_size, name)
    values(found, right, name, rtol=0, atol=off)


def untraced(function: Callable, model: nn.Module, images: Tensor, patch: Tensor, *rest: object) -> None:
    """Whatever the new patch is: it is new, without a graph, and nothing else has changed.

    Args:
        rest: mask, corners, targets and step_size.
    """
    name = function.__name__
    given = [each.detach().clone().requires_grad_(each.requires_grad) for each in (images, patch)]
    more = [each.clone() if isinstance(each, Tensor) else each for each in rest]
    tensors = [*given, *(each for each in more if isinstance(each, Tensor))]
    with unswitched(name, model), leaves_no_trace(name, model, *tensors):
        result = function(model, *given, *more)
    plain = result.nan_to_num() if type(result) is Tensor else result  # the numbers are for `steps_down`
    tensor(plain, name, shape=patch.shape, dtype=patch.dtype)
    no_graph(result, name)
    if any(result.untyped_storage().data_ptr() == each.untyped_storage().data_ptr() for each in tensors):
        fail(f"{name} returned the memory of a tensor that it was given: return a new one")
    for p in model.parameters():
        p.grad = torch.full_like(p, 0.25)
    function(model, *given, *more)
    changed = any(p.grad is None or not p.grad.eq(0.25).all() for p in model.parameters())
    model.zero_grad()
    if changed:
        fail(f"{name}: .grad of the model's parameters held a gradient before the call, and it is not as it was")


def patch_slopes(
    model: nn.Module,
    images: Tensor,
    patch: Tensor,
    mask: Tensor,
    corners: Tensor,
    targets: Tensor,
    loss: Losses = lambda z, t: F.cross_entropy(z, t, reduction="none"),
    lay: Lay = lambda old, new: new,
) -> Tensor:
    """``(N, C, h, w)``: the gradient of each image's own loss with respect to the patch, zero where it is hidden.

    Args:
        loss: of logits and targets, one number for each image.
        lay: what a pixel of the image becomes, from it and the patch's.
    """
    x, shown = images.clone(), mask.nonzero().tolist()
    for i, (top, left) in enumerate(corners.tolist()):
        for row, column in shown:
            old = x[i, :, top + row, left + column].clone()
            x[i, :, top + row, left + column] = lay(old, patch[:, row, column])
    x.requires_grad_()
    (pulls,) = torch.autograd.grad(loss(model(x), targets).sum(), x)
    found = torch.zeros(len(images), *patch.shape, dtype=patch.dtype)
    for i, (top, left) in enumerate(corners.tolist()):
        for row, column in shown:
            found[i, :, row, column] = pulls[i, :, top + row, left + column]
    return found


def stepped(patch: Tensor, gradient: Tensor, mask: Tensor, step_size: float) -> Tensor:
    """Down the gradient, by ``step_size`` in the root mean square of what the mask shows; in the box."""
    return (patch - step_size * _over(gradient, _root_mean_square(gradient, mask))).clamp(0, 1)


def _told_of_length(found: Tensor, start: Tensor, gradient: Tensor, mask: Tensor, size: float, name: str) -> None:
    free = mask & (found > 0) & (found < 1)
    step, slope = (found - start)[free], gradient[free]
    if len(step) < 2 or not step.any() or not slope.any():
        return
    cosine = F.cosine_similarity(step, slope, dim=0)
    if cosine > 1 - 1e-6:
        fail(f"{name}: the step goes up the loss, and has another length than it should")
    if cosine < -1 + 1e-6:
        expected = size * (slope / _root_mean_square(gradient, mask)).square().mean().sqrt()
        fail(
            f"{name}: the direction is right, the length is not: a root mean square of "
            f"{step.square().mean().sqrt():.4g}, expected {expected:.4g}"
        )


def _root_mean_square(gradient: Tensor, mask: Tensor) -> Tensor:
    return gradient[:, mask].square().mean().sqrt()


def _over(gradient: Tensor, length: Tensor) -> Tensor:
    return torch.where(length > 0, gradient / length.clamp_min(1e-300), 0.0)


def _mistaken(
    model: nn.Module, images: Tensor, patch: Tensor, mask: Tensor, corners: Tensor, targets: Tensor, size: float
) -> dict[str, list[Tensor]]:
    scene = model, images, patch
    rows = patch_slopes(*scene, mask, corners, targets)
    g, count, everything = rows.mean(0), len(images), torch.ones_like(mask)
    length = _root_mean_square(g, mask)

    def by(step: Tensor) -> Tensor:
        return (patch - step).clamp(0, 1)

    def of(rows: Tensor, shown: Tensor = mask) -> Tensor:
        return stepped(patch, rows.mean(0), shown, size)

    def at(places: Tensor) -> list[Tensor]:
        room = torch.tensor(images.shape[2:]) - torch.tensor(patch.shape[1:])
        return [of(patch_slopes(*scene, mask, places, targets))] if (places <= room).all() else []

    def asked(loss: Losses) -> list[Tensor]:
        return [of(patch_slopes(*scene, mask, corners, targets, loss))]

    each = torch.stack([_over(row, _root_mean_square(row, mask)) for row in rows])
    below = zip(images, corners.tolist(), strict=True)
    dim = torch.stack([x[:, r:, q:][:, : len(mask), : len(mask[0])] + patch < 1 for x, (r, q) in below])
    whole, inverted = (patch_slopes(*scene, other, corners, targets) for other in (everything, ~mask))
    return {
        "the patch came back as it was": [patch],
        "the step goes up the loss: the images become less like their targets": [by(-size * _over(g, length))],
        "ρ counts pixels that the mask hides: the mean is over those that it shows": [
            by(size * _over(g, g.square().mean().sqrt()))
        ],
        "every image gets the patch at the same corner, expected at its own": [
            *at(corners[:1].expand_as(corners)),
            *at(corners[-1:].expand_as(corners)),
        ],
        "row and column of a corner are exchanged": at(corners.flip(1)),
        "the whole rectangle is pasted: where the mask is False the image is seen": [
            of(whole),
            of(whole, everything),
            of(whole * mask),
            of(whole * mask, everything),
        ],
        "the mask is taken the wrong way round": [
            *(of(inverted, shown) for shown in (mask, ~mask, everything)),
            by(inverted.mean(0).sign()),
        ],
        "the cross-entropy is given probabilities: it takes the logits, and has a softmax of its own": asked(
            lambda z, t: F.cross_entropy(z.softmax(1), t, reduction="none")
        ),
        "that is the mean probability of the targets, expected the mean cross-entropy": asked(
            lambda z, t: -z.softmax(1).gather(1, t[:, None])[:, 0]
        ),
        "that is the targets' logit alone, expected the cross-entropy": asked(
            lambda z, t: -z.gather(1, t[:, None])[:, 0]
        ),
        "it leads away from the predicted classes, expected towards the targets": asked(
            lambda z, t: -F.cross_entropy(z, z.argmax(1), reduction="none")
        ),
        "every image has the target of the first one": [
            of(patch_slopes(*scene, mask, corners, targets[:1].expand_as(targets)))
        ],
        "ρ counts each pixel once, expected each of its channels": [
            by(size * _over(g, (g.square().sum() / mask.sum()).sqrt()))
        ],
        "that is divided by the Euclidean norm, expected by the root mean square": [by(size * _over(g, g.norm()))],
        "that is divided by the mean square: where is the root?": [by(size * _over(g, length.square()))],
        "that is divided by the mean of the absolute values": [by(size * _over(g, g[:, mask].abs().mean()))],
        "that is divided by the largest entry": [by(size * _over(g, g.abs().max()))],
        "every channel is divided by a ρ of its own, expected one for the patch": [
            by(size * _over(g, g[:, mask].square().mean(1).sqrt()[:, None, None]))
        ],
        "that is the standard deviation, expected the root mean square": [
            by(size * _over(g, g[:, mask].std(correction=c))) for c in (0, 1) if g[:, mask].numel() > 1
        ],
        "the gradient is not divided by ρ": [by(size * g), by(size * rows.sum(0))],
        "a small constant is added to ρ, or is the least that it may be: short gradients then move the patch less": [
            by(size * g / low)
            for small in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
            for low in (length + small, length + small / count, length.clamp(min=small))
        ],
        "the step is along the gradient's sign": [by(size * g.sign())],
        "every image's gradient is divided by a length of its own, expected the mean gradient": [
            by(size * each.mean(0)),
            of(each),
        ],
        "only one of the images is in it": [of(rows[:1]), of(rows[-1:])],
        "the gradient is that of the images as they are: paste the patch first": [
            of(patch_slopes(*scene, mask, corners, targets, lay=lambda old, new: old))
        ],
        "the patch is added to the images, expected pasted: it covers them": [
            of(patch_slopes(*scene, mask, corners, targets, lay=lambda old, new: old + new)),
            of(dim * patch_slopes(*scene, mask, corners, targets, lay=lambda old, new: (old + new).clamp(0, 1))),
        ],
        "where is the box? Clamp the patch to [0, 1] after the step": [patch - size * _over(g, length)],
        "the pixels that the mask hides are gone: they stay as they are": [of(rows) * mask],
        "that is the step, expected the patch after it": [
            of(rows) - patch,
            -size * _over(g, length),
            (-size * _over(g, length)).clamp(0, 1),
        ],
    }
