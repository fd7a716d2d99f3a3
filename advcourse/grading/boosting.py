"""Checks of losses that ask more of unsure images: in logarithms, image by image, finite for any logits."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.grading.checks import fail, tensor
from advcourse.grading.penalties import told


def boosts(function: Callable, logits: Tensor, labels: Tensor, m: int) -> None:
    """``-log p_y - log(1 - p of the m strongest wrong classes together)`` of each image, and its gradient."""
    name = f"{function.__name__}, m = {m}"
    result, leaf = _run(lambda z, y: function(z, y, m), [logits], labels, name)
    z = logits.double().requires_grad_()
    right = _boosted(z, labels, m)
    wrong = {why: [other] for why, other in _mistaken_boosts(z.detach(), labels, m).items()}
    told(result.detach().double(), right.detach(), name, wrong, *_near(logits))
    _same_slope(result, leaf[0], right, z, name, "z")


def steadies(function: Callable, clean: Tensor, attacked: Tensor, labels: Tensor, gamma: float) -> None:
    """``(1 - p_y)^γ JS(p, p̃)`` of each image, the weight a constant; and its gradients."""
    name = f"{function.__name__}, γ = {gamma:g}"
    result, leaves = _run(lambda a, b, y: function(a, b, y, gamma), [clean, attacked], labels, name)
    a, b = (each.double().requires_grad_() for each in (clean, attacked))
    weight, distance = _unsure(a, labels, gamma), _jensen_shannon(a, b)
    right = weight.detach() * distance
    with torch.no_grad():
        wrong = _mistaken_weights(a, b, labels, gamma, weight, distance)
    told(result.detach().double(), right.detach(), name, wrong, *_near(clean))
    lost = (result.detach() == 0) & (distance > 0.01) & (weight > 1e-30)
    if lost.any():
        n = int(lost.nonzero()[0])
        fail(
            f"{name} is exactly 0 for image {n}, expected {right[n]:.3g}: 1 - p_y rounds to 0 there, and its power "
            "is lost. Stay in logarithms"
        )
    if gamma > 0 and result.requires_grad:
        (mine,) = torch.autograd.grad(result.sum(), leaves[0], retain_graph=True, allow_unused=True)
        (free,) = torch.autograd.grad((weight * distance).sum(), a, retain_graph=True)
        (held,) = torch.autograd.grad(right.sum(), a, retain_graph=True)
        off = 1e-3 * free.abs().max()
        if mine is not None and (mine - free).abs().max() < off < (free - held).abs().max():
            fail(
                f"{name}: the value is right, but the weight is differentiated too: the loss falls where the network "
                "grows sure of the image, whether it is steady or not. The weight is a constant (.detach())"
            )
        if mine is None or (not mine.any() and held.abs().max() > off):
            fail(f"{name}: the value is right, but p is held as a constant in JS: only the weight is one")
    _same_slope(result, leaves[0], right, a, name, "the clean logits")
    _same_slope(result, leaves[1], right, b, name, "the attacked logits")


def _run(function: Callable, inputs: list[Tensor], labels: Tensor, name: str) -> tuple[Tensor, list[Tensor]]:
    leaves, y = [each.clone().requires_grad_() for each in inputs], labels.clone()
    inner = [1 * leaf for leaf in leaves]  # so that one who writes into them is found
    kept = [each.detach().clone() for each in inner]
    result = function(*inner, y)
    for mine, theirs in zip([*inner, y], [*kept, labels], strict=True):
        if not torch.equal(mine.detach(), theirs):
            fail(f"{name} overwrote the logits or the labels that it was given")
    if isinstance(result, Tensor) and result.dim() == 0:
        fail(f"{name} returned one number, expected one for each image, ({len(labels)},): no mean over the batch")
    if isinstance(result, Tensor) and not result.isfinite().all():
        n = int((~result.isfinite().view(len(result), -1).all(1)).nonzero()[0])
        z = inputs[-1][n].tolist()
        fail(
            f"{name} is {result[n].flatten()[0].item()} for image {n}, of logits from {min(z):.0f} to {max(z):.0f}: "
            "a probability rounds to 0 or 1 there, and its logarithm is lost. Stay in logarithms "
            "(log_softmax, logsumexp, logaddexp)"
        )
    tensor(result, name, shape=labels.shape, dtype=inputs[0].dtype, images=False)
    return result, leaves


def _same_slope(result: Tensor, leaf: Tensor, right: Tensor, z: Tensor, name: str, what: str) -> None:
    mix = torch.linspace(0.5, 1.5, len(right), dtype=torch.float64)
    if not result.requires_grad:
        fail(f"{name}: the value is right, but carries no graph to the logits")
    (got,) = torch.autograd.grad((mix.to(result.dtype) * result).sum(), leaf, retain_graph=True, allow_unused=True)
    (want,) = torch.autograd.grad((mix * right).sum(), z, retain_graph=True)
    got = torch.zeros_like(want) if got is None else got.double()
    if not got.isfinite().all():
        fail(f"{name}: the value is right, but its gradient with respect to {what} is not finite: stay in logarithms")
    share = 1e-7 if result.dtype == torch.float64 else 1e-3
    rounding = max(share / 100, 2 * _near(leaf)[1])  # of probabilities, from logits as large as these
    if (got - want).abs().max() > share * want.abs().max() + rounding:
        fail(f"{name}: the value is right, its gradient with respect to {what} is not: is a part of it detached?")


_SMALL = (1e-12, 1e-10, 1e-8, 1e-6)


def _near(like: Tensor) -> tuple[float, float]:
    """What rounding may take, of differences of logits too."""
    atol = 8 * torch.finfo(like.dtype).eps * (1 + like.detach().abs().max().item())
    return (1e-8 if like.dtype == torch.float64 else 2e-4), atol


def _others(z: Tensor, labels: Tensor) -> Tensor:
    return z.scatter(1, labels[:, None], -math.inf)


def _log_of_all_but(z: Tensor, labels: Tensor, m: int) -> Tensor:
    strongest = _others(z.detach(), labels).topk(m, dim=1).indices
    return z.scatter(1, strongest, -math.inf).logsumexp(1) - z.logsumexp(1)


def _boosted(z: Tensor, labels: Tensor, m: int) -> Tensor:
    return -z.log_softmax(1).gather(1, labels[:, None])[:, 0] - _log_of_all_but(z, labels, m)


def _mistaken_boosts(z: Tensor, labels: Tensor, m: int) -> dict[str, Tensor]:
    log_p, k = z.log_softmax(1), z.shape[1]
    ce = -log_p.gather(1, labels[:, None])[:, 0]
    any_class = log_p.topk(min(m, k - 1), dim=1).indices
    p = log_p.exp()
    wrong = _others(p, labels).topk(m, dim=1).values
    last = z.scatter(1, _others(z, labels).topk(m, dim=1).indices[:, -1:], -math.inf)
    found = {
        "that is the cross-entropy alone: where is the second term?": ce,
        "that is the second term alone: where is the cross-entropy?": -_log_of_all_but(z, labels, m),
        "the second term has the wrong sign": ce + _log_of_all_but(z, labels, m),
        "the label itself is among the strongest classes: only wrong ones are": ce
        - (z.scatter(1, any_class, -math.inf).logsumexp(1) - z.logsumexp(1)),
        "only the m-th strongest wrong class is left out, expected the m strongest together": ce
        - (last.logsumexp(1) - z.logsumexp(1)),
        "that is Σ log(1 - p_j) over the m classes, expected log(1 - Σ p_j)": ce - torch.log1p(-wrong).sum(1),
        "that is the log of their probability, expected of what all others have": ce - wrong.sum(1).log(),
    }
    constants = [ce - (_log_of_all_but(z, labels, m).exp() + c).log() for c in _SMALL]
    found |= {f"a constant of {c} is added before the logarithm": e for c, e in zip(_SMALL, constants, strict=True)}
    if m > 1:
        found["only the strongest wrong class counts, whatever m is"] = _boosted(z, labels, 1)
    if m < k - 1:
        found["all wrong classes count, whatever m is"] = 2 * ce
    return found | {
        "that is the mean over the batch, expected a value for each image": _boosted(z, labels, m).mean().expand(len(z))
    }


def _unsure(z: Tensor, labels: Tensor, gamma: float) -> Tensor:
    return (gamma * (_others(z, labels).logsumexp(1) - z.logsumexp(1))).exp()


def _divergence(a: Tensor, b: Tensor) -> Tensor:
    """``KL(p ‖ q)`` of log-probabilities."""
    return (a.exp() * (a - b)).sum(1)


def _jensen_shannon(a: Tensor, b: Tensor) -> Tensor:
    p, q = a.log_softmax(1), b.log_softmax(1)
    middle = torch.logaddexp(p, q) - math.log(2)
    return (_divergence(p, middle) + _divergence(q, middle)) / 2


def _mistaken_weights(
    a: Tensor, b: Tensor, labels: Tensor, gamma: float, weight: Tensor, distance: Tensor
) -> dict[str, list[Tensor]]:
    p, q = a.log_softmax(1), b.log_softmax(1)
    log_y = p.gather(1, labels[:, None])[:, 0]
    middle = torch.logaddexp(p, q) - math.log(2)
    plain = (1 - log_y.float().exp()).clamp_min(0).double() ** gamma
    return {
        "1 - p_y rounds to zero where the network is sure: take its logarithm as a difference of logsumexp": [
            plain * distance
        ],
        "there is no weight": [distance],
        "the weight is 1 - p_y, whatever γ is": [_unsure(a, labels, 1) * distance],
        "the weight is that of the attacked image, expected of the clean one": [_unsure(b, labels, gamma) * distance],
        "the weight is p_y to the γ, expected 1 - p_y": [(gamma * log_y).exp() * distance],
        "the weight is 1 - p_y^γ, expected (1 - p_y)^γ": [(1 - (gamma * log_y).exp()) * distance],
        "the weight is γ (1 - p_y), expected a power": [gamma * _unsure(a, labels, 1) * distance],
        "the weight is by the largest probability, expected by the label's": [
            _unsure(a, a.argmax(1), gamma) * distance
        ],
        "that is KL(p ‖ p̃), expected JS": [weight * _divergence(p, q)],
        "that is KL(p̃ ‖ p), expected JS": [weight * _divergence(q, p)],
        "that is the mean of KL(p ‖ p̃) and KL(p̃ ‖ p), expected JS, by way of the mixture": [
            weight * (_divergence(p, q) + _divergence(q, p)) / 2,
            weight * (_divergence(p, q) + _divergence(q, p)),
        ],
        "that is one half of JS, KL(p ‖ m) alone": [weight * _divergence(p, middle), weight * _divergence(q, middle)],
        "the two halves are added, expected their mean": [2 * weight * distance],
        "the divergences are from m to p, expected from p to m": [
            weight * (_divergence(middle, p) + _divergence(middle, q)) / 2
        ],
        "that is the root of JS": [weight * distance.clamp_min(0).sqrt()],
        "that is in bits: natural logarithms": [weight * distance / math.log(2)],
        "that is a mean over the classes, expected a sum": [weight * distance / a.shape[1]],
        "that is divided by the number of images": [weight * distance / len(a)],
    }
