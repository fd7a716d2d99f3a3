"""Checks of l2 balls with a radius for each image: the projection, and an ascent inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, in_box, leaves_no_trace, no_graph, tensor
from advcourse.grading.critics import double
from advcourse.grading.drawn import own_gradients
from advcourse.grading.modes import unswitched
from advcourse.grading.penalties import told

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]


def nears(function: Callable, points: Tensor, images: Tensor, eps: Tensor) -> None:
    """Each point on the ball of its own image, then in the box."""
    name = function.__name__
    given = points.clone(), images.clone(), eps.clone()
    result = function(*given)
    found = tensor(result, name, shape=images.shape, dtype=images.dtype)
    _new(result, given, (points, images, eps), name)
    points, images, eps = points.double(), images.double(), eps.double()
    right = _nearest(points, images, eps)
    if not torch.allclose(found.double(), right, rtol=0, atol=_off(found)):
        _told_of_length(found.double(), images, eps, name)
        in_box(found, name)
    wrong = {why: [rule(points, images, eps)] for why, rule in _mistaken_balls(images).items()}
    told(found.double(), right, name, wrong, 0, _off(found))


def ascends(
    function: Callable,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: Tensor,
    share: float,
    steps: int,
    start: Tensor | None = None,
    slack: float = 1.0,
) -> None:
    """Every image where its own ascent leads, step by step.

    Args:
        slack: more of it where gradients are so short that rounding turns them.
    """
    name = f"{function.__name__}, {steps} step{'s' if steps > 1 else ''}"
    given = [images.clone(), labels.clone(), eps.clone()] + ([] if start is None else [start.clone()])
    with unswitched(name, model), leaves_no_trace(name, model, *given):
        result = function(model, *given[:3], share, steps, None if start is None else given[3])
    found = tensor(result, name, shape=images.shape, dtype=images.dtype).double()
    _new(result, given, [images, labels, eps] + ([] if start is None else [start]), name)
    reference, x, radii = double(model), images.double(), eps.double()
    begin = x if start is None else start.double()

    def way(**other: object) -> Tensor:
        return _ascent(reference, x, labels, radii, **({"share": share, "steps": steps, "begin": begin} | other))  # type: ignore[arg-type]

    right = way()
    off = slack * (1e-8 if images.dtype == torch.float64 else 2e-4)
    if torch.allclose(found, right, rtol=0, atol=off):
        return
    still = (right - x).flatten(1).norm(dim=1) == 0
    if still.any() and not torch.allclose(found[still], x[still], rtol=0, atol=off):
        n = int(still.nonzero()[0])
        fail(f"{name}: image {n} has a gradient of zero, or a radius of zero, and should stay; it moved")
    wrong = {why: [way(**other)] for why, other in _mistaken_ways(share, steps, begin, labels, reference, x).items()}
    for why, (other,) in wrong.items():
        if torch.allclose(found, other, rtol=0, atol=off):
            fail(f"{name}: {why}")
    _told_of_length(found, x, radii, name)
    in_box(found, name)
    n = int((found - right).flatten(1).norm(dim=1).argmax())
    far, best = ((each[n] - x[n]).norm().item() for each in (found, right))
    fail(
        f"{name}: image {n} is not where its own {steps} steps lead: your δ has length {far:.4f}, expected {best:.4f} "
        "and its direction. Is each step along the gradient at the point where this image is, and is its length "
        "divided by as it is, nothing added?"
    )


def _told_of_length(found: Tensor, images: Tensor, eps: Tensor, name: str) -> None:
    lengths = (found - images).flatten(1).norm(dim=1)
    beyond = lengths - eps > 1e-4
    if beyond.any():
        n = int((lengths - eps).argmax())
        fail(
            f"{name}: your δ of image {n} has length {lengths[n]:.3f} but its eps is {eps[n]:.3f}: did you project "
            "image by image, on the ball around the image?"
        )


def _new(result: object, given: object, before: object, name: str) -> None:
    for mine, theirs in zip(cast(list, given), cast(list, before), strict=True):
        if not torch.equal(mine.detach(), theirs):
            fail(f"{name} overwrote a tensor that it was given: work on a copy")
        if mine.requires_grad != theirs.requires_grad:
            fail(f"{name} left requires_grad set on a tensor that it was given: work on a copy")
        if isinstance(result, Tensor) and result.untyped_storage().data_ptr() == mine.untyped_storage().data_ptr():
            fail(f"{name} returned the caller's own tensor: return new data")
    no_graph(cast(Tensor, result), name)


def _off(found: Tensor) -> float:
    return 1e-9 if found.dtype == torch.float64 else 3e-6


def _wide(eps: Tensor) -> Tensor:
    return eps.view(-1, 1, 1, 1)


def _scaled(delta: Tensor, eps: Tensor, lengths: Tensor) -> Tensor:
    return delta * torch.where(lengths > eps, eps / lengths.clamp_min(1e-300), 1.0)


def _nearest(points: Tensor, images: Tensor, eps: Tensor) -> Tensor:
    return (images + _ball(points - images, eps)).clamp(0, 1)


def _ball(delta: Tensor, eps: Tensor) -> Tensor:
    return _scaled(delta, _wide(eps), _wide(delta.flatten(1).norm(dim=1)))


def _mistaken_balls(images: Tensor) -> dict[str, Rule]:
    def one(radius: Callable[[Tensor], Tensor]) -> Rule:
        return lambda p, x, e: _nearest(p, x, radius(e).expand(len(e)))

    found: dict[str, Rule] = {
        "the points come back as they were: where is the ball?": lambda p, x, e: p.clamp(0, 1),
        "where is the box [0, 1]?": lambda p, x, e: x + _ball(p - x, e),
        "first the ball, then the box: it is the other way round": lambda p, x, e: x + _ball(p.clamp(0, 1) - x, e),
        "points inside their ball are stretched to its surface: they should stay": lambda p, x, e: (
            x + (p - x) * _wide(e / (p - x).flatten(1).norm(dim=1).clamp_min(1e-300))
        ).clamp(0, 1),
        "one length for the whole batch: every image has its own": lambda p, x, e: (
            x + _scaled(p - x, _wide(e), (p - x).norm())
        ).clamp(0, 1),
        "there is one radius for the batch (the largest): every image has its own": one(torch.max),
        "there is one radius for the batch (the smallest): every image has its own": one(torch.min),
        "there is one radius for the batch (the mean): every image has its own": one(torch.mean),
        "there is one radius for the batch (the first): every image has its own": one(lambda e: e[0]),
        "each pixel is clamped to ± eps: that is the maximum norm, expected ‖δ‖₂": lambda p, x, e: (
            x + torch.maximum(torch.minimum(p - x, _wide(e)), -_wide(e))
        ).clamp(0, 1),
        "the length is ‖δ‖₁, expected ‖δ‖₂": lambda p, x, e: (
            x + _scaled(p - x, _wide(e), _wide((p - x).flatten(1).abs().sum(1)))
        ).clamp(0, 1),
        "the length is taken over the channels alone, expected over all pixels of an image": lambda p, x, e: (
            x + _scaled(p - x, _wide(e), (p - x).norm(dim=1, keepdim=True))
        ).clamp(0, 1),
        "every channel has a length of its own, expected one length for an image": lambda p, x, e: (
            x + _scaled(p - x, _wide(e), (p - x).flatten(2).norm(dim=2)[..., None, None])
        ).clamp(0, 1),
        "the length is not divided by: the distance is squared": lambda p, x, e: (
            x + _scaled(p - x, _wide(e), _wide((p - x).flatten(1).square().sum(1)))
        ).clamp(0, 1),
        "the ball is around zero, expected around the image": lambda p, x, e: _ball(p, e).clamp(0, 1),
    }
    if images.shape[3] == len(images):
        why = "eps is multiplied along the columns, expected along the images: give it the shape (N, 1, 1, 1)"
        found[why] = lambda p, x, e: (x + _scaled(p - x, e, _wide((p - x).flatten(1).norm(dim=1)))).clamp(0, 1)
    return found


def _ascent(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: Tensor,
    *,
    share: float,
    steps: int,
    begin: Tensor,
    step: Callable[[Tensor, Tensor], Tensor] | None = None,
    keep: Rule = _nearest,
    first: Rule = _nearest,
    last: Rule = lambda x, images, eps: x,
    once: bool = False,
    aim: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """The ascent, or with other parts a mistaken one."""
    x = first(begin, images, eps)
    g = own_gradients(model, x, labels)
    for k in range(steps):
        if k and not once:
            g = own_gradients(model, x, labels if aim is None else aim(x))
        moved = _unit(g) * _wide(share * eps) if step is None else step(g, eps)
        x = keep(x + moved, images, eps)
    return last(x, images, eps)


def _unit(g: Tensor) -> Tensor:
    lengths = _wide(g.flatten(1).norm(dim=1))
    return torch.where(lengths > 0, g / lengths.clamp_min(1e-300), 0.0)


def _mistaken_ways(
    share: float, steps: int, begin: Tensor, labels: Tensor, model: nn.Module, images: Tensor
) -> dict[str, dict[str, object]]:
    def free(p: Tensor, x: Tensor, e: Tensor) -> Tensor:
        return p

    return {
        "the images came back as they were": {"steps": 0, "begin": images},
        "the start came back as it was, without a step": {"steps": 0},
        "the loss falls: the step goes against the gradient": {"step": lambda g, e: -_unit(g) * _wide(share * e)},
        "the step is along the gradient's sign, expected along the gradient": {
            "step": lambda g, e: g.sign() * _wide(share * e)
        },
        "the gradient is not divided by its length": {"step": lambda g, e: g * _wide(share * e)},
        "the gradients of the whole batch are divided by one length, expected each by its own": {
            "step": lambda g, e: g / g.norm().clamp_min(1e-300) * _wide(share * e)
        },
        "every image takes steps of one length, `share`: expected share · eps of its own": {
            "step": lambda g, e: _unit(g) * share
        },
        "the step is eps, expected share · eps": {"step": lambda g, e: _unit(g) * _wide(e)},
        "the step is divided by the number of steps": {"step": lambda g, e: _unit(g) * _wide(share * e / steps)},
        "a small constant is added to the gradient's length: short gradients then hardly move an image": {
            "step": lambda g, e: g / (_wide(g.flatten(1).norm(dim=1)) + 1e-8) * _wide(share * e)
        },
        "it is projected at the end only, expected after every step": {"keep": free, "last": _nearest},
        "the start is not projected: it may lie outside": {"first": free},
        "the start is left out: it begins at the images": {"begin": images},
        "the gradient is taken once, expected at each point that is reached": {"once": True},
        "after the first step the loss is that of the predicted class, expected of the label": {
            "aim": lambda x: model(x).argmax(1)
        },
        "there is no box: clamp to [0, 1] after the ball": {
            "keep": lambda p, x, e: x + _ball(p - x, e),
            "first": lambda p, x, e: x + _ball(p - x, e),
        },
        "it is clamped to the box at the end only": {
            "keep": lambda p, x, e: x + _ball(p - x, e),
            "first": lambda p, x, e: x + _ball(p - x, e),
            "last": lambda p, x, e: p.clamp(0, 1),
        },
        "the ball is around the start, expected around the images": {
            "keep": lambda p, x, e: _nearest(p, _nearest(begin, x, e), e)
        },
        "one step too few": {"steps": max(0, steps - 1)},
        "one step too many": {"steps": steps + 1},
        "there is one radius for the batch (the largest), expected each image's own": {
            "keep": lambda p, x, e: _nearest(p, x, e.max().expand(len(e)))
        },
    }
