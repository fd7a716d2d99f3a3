"""Checks of what a critic is penalised for: slopes at perturbed images, and slopes that belong to other images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, leaves_no_trace, no_graph, tensor, values
from advcourse.grading.critics import double, exact_slopes

# -- the penalty at perturbed images


def penalty(slope: Tensor, p: float, below: float) -> Tensor:
    """``max(0, s - 1)² + below max(0, 1 - s)²`` of the dual norm s of each slope ``(N, …)``."""
    return _sided(_dual(slope.flatten(1), p), below)


def _dual(rows: Tensor, p: float) -> Tensor:
    order = {1: math.inf, 2: 2, math.inf: 1}[p]
    return cast(Tensor, torch.linalg.vector_norm(rows, order, dim=1))


def _sided(s: Tensor, below: float) -> Tensor:
    excess = s - 1
    return excess.relu().square() + below * (-excess).relu().square()


def penalises(
    function: Callable, critic: nn.Module, real: Tensor, noise: Tensor, p: float, below: float, seed: int = 7
) -> None:
    """The penalty of each image, at a point of its own on the way to its perturbed copy; and its gradient."""
    name = f"{function.__name__}, p = {p:g}, b = {below:g}"
    generator, state = torch.Generator().manual_seed(seed), torch.get_rng_state()
    given, modes = (real.clone(), noise.clone()), [m.training for m in critic.modules()]
    with leaves_no_trace(name, critic, *given):
        result = function(critic, *given, p, below, generator)
    if not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=generator` to torch.rand")
    if [m.training for m in critic.modules()] != modes:
        fail(f"{name} switched the critic between train and eval mode")
    found = tensor(result, name, shape=(len(real),), dtype=real.dtype).double()
    reference, x, way = double(critic), real.double(), noise.double()

    def at(share: Tensor) -> Tensor:
        return exact_slopes(reference, x + share.double().view(-1, *[1] * (real.dim() - 1)) * way)

    own, other = sorted(_KINDS, key=lambda kind: kind != real.dtype)
    share = torch.rand(len(real), generator=generator.manual_seed(seed), dtype=own)
    places, rights, best = _nearest(found, at, share, p, below)
    if not torch.allclose(found, rights[best], *_near(real)):
        expected, single = rights[0], torch.rand(len(real), generator=generator.manual_seed(seed), dtype=other)
        places, rights, best = _nearest(found, at, single, p, below)
        if not torch.allclose(found, rights[best], *_near(real)):
            told(found, expected, name, _mistaken(at, share, reference, x, way, p, below, seed), *_near(real))
    sure = ~_tied(places[best]) if p == 1 else torch.ones(len(real), dtype=torch.bool)
    lengths = _dual(places[best].flatten(1), p)
    _pulls_the_weights(result, rights[best], lengths, sure, critic, reference, name)


def _tied(slope: Tensor) -> Tensor:
    """Where two pixels have all but the largest slope: which one a maximum picks is a matter of rounding."""
    most = slope.detach().flatten(1).abs().topk(min(2, slope[0].numel()), dim=1).values
    return most[:, 0] - most[:, -1] < 1e-3 * most[:, 0]


_KINDS = (torch.float64, torch.float32)


def _nearest(
    found: Tensor, at: Callable, share: Tensor, p: float, below: float
) -> tuple[list[Tensor], list[Tensor], int]:
    """Slopes and penalties with ε and with 1 - ε, which is as good, and which of the two is nearer."""
    places = [at(share), at(1 - share)]
    rights = [penalty(each, p, below) for each in places]
    return places, rights, int((found - rights[1]).abs().max() < (found - rights[0]).abs().max())


def _near(like: Tensor) -> tuple[float, float]:
    return (1e-8, 1e-10) if like.dtype == torch.float64 else (2e-4, 2e-5)


def _mistaken(
    at: Callable, share: Tensor, critic: nn.Module, x: Tensor, way: Tensor, p: float, below: float, seed: int
) -> dict[str, list[Tensor]]:
    slope, count = at(share), len(x)
    rows, wide, draw = slope.flatten(1), share.double().view(-1, *[1] * (x.dim() - 1)), torch.Generator()
    dual = _dual(rows, p)

    def drawn(*shape: int) -> list[Tensor]:
        both = [torch.rand(shape, generator=draw.manual_seed(seed), dtype=kind).double() for kind in _KINDS]
        ways = [each.view(*shape, *[1] * (x.dim() - len(shape))) for each in both]
        return [penalty(exact_slopes(critic, x + each * way), p, below) for one in ways for each in (one, 1 - one)]

    normal = [torch.randn(count, generator=draw.manual_seed(seed), dtype=kind) for kind in _KINDS]
    mixed = [exact_slopes(critic, (1 - each) * x + each * way) for each in (wide, 1 - wide)]
    found = {
        "there is one ε for the whole batch, expected one for each image": drawn(1),
        "there is one ε for every pixel, expected one for each image": drawn(*x.shape),
        "that is at the images themselves": [penalty(at(0 * share), p, below)],
        "that is at the far end, x + δ: expected at a point on the way": [penalty(at(0 * share + 1), p, below)],
        "δ is what is added, not an image to be mixed with": [penalty(each, p, below) for each in mixed],
        "ε is normal, expected uniform in [0, 1)": [penalty(at(each), p, below) for each in normal],
        "the slope is measured in the norm of the perturbations, expected in the dual one": [
            _sided(rows.norm(p, dim=1), below)
        ],
        "the slope is measured in the Euclidean norm, whatever p is": [_sided(rows.norm(dim=1), below)],
        "slopes below one are free: where is b?": [_sided(dual, 0.0)],
        "slopes below one count as much as those above: where is b?": [_sided(dual, 1.0)],
        "the sides are exchanged: b belongs to slopes below one": [
            below * (dual - 1).relu().square() + (1 - dual).relu().square()
        ],
        "the difference from one is not squared": [(dual - 1).relu() + below * (1 - dual).relu()],
        "the norm is squared before one is taken off": [_sided(dual.square(), below)],
        "one is not taken off": [dual.square()],
        "one norm for the whole batch: every image has a slope of its own": [
            _sided(_dual(rows.reshape(1, -1), p), below).expand(count)
        ],
        "the scores are averaged before they are differentiated: every slope is too small": [
            _sided(dual / count, below)
        ],
        "it is divided by the number of images": [_sided(dual, below) / count],
        "a mean is taken over the batch, expected a value for each image": [
            _sided(dual.mean()[None], below).expand(count),
            _sided(dual, below).mean()[None].expand(count),
        ],
    }
    if x.dim() == 4:
        thin = _sided(_dual(slope.movedim(1, 3).reshape(-1, x.shape[1]), p).view(count, -1).flatten(), below)
        thin = thin.view(count, -1)
        why = "the norm is taken over the channels alone, expected over all pixels of an image"
        found[why] = [thin.mean(1), thin.sum(1)]
        found["there is one ε for every channel, expected one for each image"] = drawn(*x.shape[:2])
    return found


def told(found: Tensor, right: Tensor, name: str, mistakes: dict[str, list[Tensor]], rtol: float, atol: float) -> None:
    """``checks.values``, where a mistake may be made in several ways."""
    for why, ways in mistakes.items():
        for each in ways:
            if torch.allclose(found, each, rtol, atol) and not torch.allclose(found, right, rtol, atol):
                fail(f"{name}: {why}")
    values(found, right, name, rtol=rtol, atol=atol)


def _pulls_the_weights(
    result: Tensor, right: Tensor, lengths: Tensor, sure: Tensor, critic: nn.Module, reference: nn.Module, name: str
) -> None:
    """The gradient of the values, each weighted by itself, with respect to the critic's weights is the exact one."""
    if not result.requires_grad:
        fail(f"{name}: the value is right, but carries no graph to the critic's weights: create_graph=True")
    mix, dtype = sure * torch.linspace(0.5, 1.5, len(right), dtype=torch.float64), result.dtype
    mine, other = list(critic.parameters()), list(reference.parameters())
    got = joined(torch.autograd.grad((mix.to(dtype) * result).sum(), mine, allow_unused=True), mine)
    want, unit = (
        joined(torch.autograd.grad((mix * each).sum(), other, allow_unused=True, retain_graph=True), other)
        for each in (right, lengths)
    )
    if not got.isfinite().all():
        fail(
            f"{name}: its gradient with respect to the weights is not finite where a slope is zero: "
            "torch.linalg.vector_norm has one there, a square root has not"
        )
    share = 1e-8 if dtype == torch.float64 else 5e-4
    rounding = share / 50 * unit.abs().max()  # of s - 1, where that is near zero
    if (got - want).abs().max() > share * want.abs().max().clamp_min(1e-3) + rounding:
        fail(
            f"{name}: the values are right, their gradient with respect to the critic's weights is not: "
            "is a graph cut (create_graph=True, no .detach() and no .item() on the way)?"
        )


def joined(gradients: tuple[Tensor | None, ...], like: list[nn.Parameter]) -> Tensor:
    """All gradients in one row, in float64; zeros where there is none."""
    both = zip(gradients, like, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten().double() for g, p in both])


def same_pull(
    result: Tensor, right: Tensor, model: nn.Module, reference: nn.Module, share: float, name: str, why: str
) -> None:
    """The gradient of a loss with respect to the model's weights is, but for that share, the one that is right.

    Args:
        why: what may be wrong with one that is not.
    """
    if not result.requires_grad:
        fail(f"{name}: the value is right, but carries no graph to the weights")
    mine, other = list(model.parameters()), list(reference.parameters())
    got = joined(torch.autograd.grad(result, mine, allow_unused=True), mine)
    want = joined(torch.autograd.grad(right, other, allow_unused=True), other)
    if (got - want).abs().max() > share * want.abs().max():
        fail(f"{name}: the value is right, its gradient with respect to the weights is not: {why}")


# -- slopes that belong to other images


def leaks(function: Callable, critic: nn.Module, points: Tensor) -> None:
    """Of each image the norm of what the other images' scores add to the gradient of the sum."""
    name = function.__name__
    given, modes = points.clone(), [m.training for m in critic.modules()]
    jacobian = _jacobian(critic, points)
    count, rows = len(points), torch.arange(len(points))
    with leaves_no_trace(name, critic, given):
        result = function(critic, given)
    if [m.training for m in critic.modules()] != modes:
        fail(f"{name} switched the critic between train and eval mode: look at it in the mode that it is in")
    found = tensor(result, name, shape=(count,), dtype=points.dtype).double()
    no_graph(result, name)
    own = jacobian[rows, rows]
    whole = jacobian.sum(0)
    alone = exact_slopes(double(critic), points.double()).detach().flatten(1) if _alone(critic) else own
    others = jacobian.masked_fill(torch.eye(count, dtype=torch.bool)[..., None], 0)
    norm = (whole - own).norm(dim=1)
    wrong = {
        "that is the whole gradient of the sum: take the image's own off": [whole.norm(dim=1)],
        "that is the gradient of an image's own score": [own.norm(dim=1)],
        "an image's own gradient is that of its score in this batch, not in a batch of one": [
            (whole - alone).norm(dim=1),
            (own - alone).norm(dim=1),
        ],
        "that is how an image's score depends on the others; asked is how theirs depend on it": [
            others.sum(1).norm(dim=1),
            others.flatten(1).norm(dim=1),
        ],
        "add the gradients of the other scores up, then take the norm": [
            others.norm(dim=2).sum(0),
            others.transpose(0, 1).flatten(1).norm(dim=1),
        ],
        "that is a difference of norms, expected the norm of a difference": [
            (whole.norm(dim=1) - own.norm(dim=1)).abs(),
            whole.norm(dim=1) - own.norm(dim=1),
        ],
        "the norm is squared": [norm.square()],
        "it is divided by the number of images": [norm / count, norm / max(count - 1, 1)],
    }
    size = max(1e-3, own.norm(dim=1).max().item())
    rounding = (1e-10 if points.dtype == torch.float64 else 1e-4) * size
    told(found, norm, name, wrong, 1e-8, rounding)


def _alone(critic: nn.Module) -> bool:
    return not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) and m.training for m in critic.modules())


def _jacobian(critic: nn.Module, points: Tensor) -> Tensor:
    """``(N, N, P)``: the gradient of score j with respect to image i, at [j, i]."""
    reference, x = double(critic), points.detach().double().requires_grad_()
    scores = reference(x)
    each = [torch.autograd.grad(score, x, retain_graph=True)[0] for score in scores]
    return torch.stack(each).flatten(2)
