"""Checks of how far a gradient turns over a step of a given length, as a penalty, and what that is for short steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, leaves_no_trace, no_graph, tensor
from advcourse.grading.critics import double
from advcourse.grading.penalties import joined, told

_Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Of each image, ``(N,)``."""
    return nn.functional.cross_entropy(logits, labels, reduction="none")


def label_scores(logits: Tensor, labels: Tensor) -> Tensor:
    """The negative logit of the label of each image: linear in the logits."""
    return -logits.gather(1, labels[:, None])[:, 0]


def turns(
    function: Callable,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    noise: Tensor,
    h: Tensor,
    loss: _Loss = cross_entropies,
    exact: Tensor | None = None,
) -> None:
    """``P/h² ‖∇ℓ(x + z) - ∇ℓ(x)‖²`` of each image, z of length h along the noise; and its gradient.

    Args:
        exact: the values by a formula, where there is one.
    """
    name = function.__name__
    given = [each.clone() for each in (images, labels, noise, h)]
    modes = [m.training for m in model.modules()]
    with leaves_no_trace(name, model, *given):
        result = function(model, *given, loss)
    if [m.training for m in model.modules()] != modes:
        fail(f"{name} switched the network between train and eval mode")
    if isinstance(result, Tensor) and result.dim() == 0:
        fail(f"{name} returned one number, expected one for each image, ({len(labels)},): no mean over the batch")
    found = tensor(result, name, shape=labels.shape, dtype=images.dtype).double()
    reference, x, away = double(model), images.double(), noise.double()
    z = _along(away, h.double())
    before, after = (_slopes(reference, each, labels, loss) for each in (x, x + z))
    scale = images[0].numel() / h.double().square()
    right = scale * _squares(after - before)
    if exact is not None:
        torch.testing.assert_close(right.detach(), exact, rtol=1e-7, atol=1e-9)
    size = (scale * (_squares(before) + _squares(after))).detach().max().item()
    rtol, atol = (1e-8, 1e-11 * size + 1e-12) if images.dtype == torch.float64 else (1e-3, 1e-5 * size + 1e-6)
    if not torch.allclose(found, right, rtol, atol):
        wrong = _mistaken(reference, x, labels, away, h.double(), loss, before, after)
        told(found, right.detach(), name, {why: [e.detach() for e in each] for why, each in wrong.items()}, rtol, atol)
    if loss is label_scores and right.detach().abs().max() < atol:
        return  # there is nothing to differentiate
    _pulls(result, right, before, after, scale, model, reference, name)


def tends(function: Callable, weight: Tensor, bias: Tensor, images: Tensor) -> None:
    """``‖H‖²`` of the Hessian of the cross-entropy of a linear network, in the Frobenius norm, of each image."""
    name = function.__name__
    given = [each.clone() for each in (weight, bias, images)]
    result = function(*given)
    for mine, theirs in zip(given, (weight, bias, images), strict=True):
        if not torch.equal(mine.detach(), theirs):
            fail(f"{name} overwrote a tensor that it was given")
        if mine.requires_grad:
            fail(f"{name} left requires_grad set on a tensor that it was given: work on a copy")
    found = tensor(result, name, shape=(len(images),), dtype=images.dtype).double()
    no_graph(result, name)
    w, rows = weight.double(), images.double().flatten(1)
    p = (rows @ w.T + bias.double()).softmax(1)
    middle = _middle(p)
    hessian = w.T @ middle @ w
    trace, squares = hessian.diagonal(dim1=1, dim2=2).sum(1), hessian.square().sum((1, 2))
    wrong = {
        "that is the norm, expected its square": [squares.sqrt()],
        "that is the trace of H: it is not how far a gradient turns": [trace, trace.square()],
        "that is the largest eigenvalue's square: a random direction meets all of them": [
            torch.linalg.matrix_norm(hessian, 2).square()
        ],
        "that is the largest eigenvalue": [torch.linalg.matrix_norm(hessian, 2)],
        "p pᵀ is left out: probabilities depend on each other": [(w.T @ torch.diag_embed(p) @ w).square().sum((1, 2))],
        "that is diag(p) - p pᵀ without the weights": [middle.square().sum((1, 2))],
        "it is divided by P: the penalty has that factor already": [squares / rows.shape[1]],
        "it is multiplied by P: the penalty has that factor already": [squares * rows.shape[1]],
        "the bias is left out": [
            (w.T @ _middle((rows @ w.T).softmax(1)) @ w).square().sum((1, 2)),
        ],
        "that is the squared length of the gradients Wᵀp": [(p @ w).square().sum(1)],
        "that is the mean over the images": [squares.mean().expand(len(images))],
    }
    eps = torch.finfo(images.dtype).eps * (w @ w.T).norm().item()  # of H, where probabilities are nearly one
    off = 100 * eps * (squares.max().sqrt().item() + eps)
    told(found, squares, name, wrong, 1e-8 if images.dtype == torch.float64 else 1e-3, off)


def _middle(p: Tensor) -> Tensor:
    return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]


def _along(noise: Tensor, h: Tensor) -> Tensor:
    return noise * (h / noise.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)


def _squares(rows: Tensor) -> Tensor:
    return rows.flatten(1).square().sum(1)


def _slopes(model: nn.Module, x: Tensor, labels: Tensor, loss: _Loss) -> Tensor:
    """The gradient of each image's own loss, image by image, with a graph."""
    found = []
    for image, label in zip(x.detach(), labels, strict=True):
        one = image[None].clone().requires_grad_()
        found.append(torch.autograd.grad(loss(model(one), label[None]).sum(), one, create_graph=True)[0])
    return torch.cat(found)


def _pulls(
    result: Tensor,
    right: Tensor,
    before: Tensor,
    after: Tensor,
    scale: Tensor,
    model: nn.Module,
    reference: nn.Module,
    name: str,
) -> None:
    """The gradient of the values, each weighted by itself, with respect to the weights is the exact one."""
    if not result.requires_grad:
        fail(f"{name}: the value is right, but carries no graph to the weights: create_graph=True")
    mix, dtype = torch.linspace(0.5, 1.5, len(right), dtype=torch.float64), result.dtype
    mine, other = list(model.parameters()), list(reference.parameters())

    def pull(values: Tensor) -> Tensor:
        found = torch.autograd.grad((mix * values).sum(), other, allow_unused=True, retain_graph=True)
        return joined(found, other)

    got = joined(torch.autograd.grad((mix.to(dtype) * result).sum(), mine, allow_unused=True), mine)
    want = pull(right)
    off = (1e-7 if dtype == torch.float64 else 1e-2) * want.abs().max().clamp_min(1e-6)
    if (got - want).abs().max() <= off:
        return
    held = {
        "∇ℓ(x) is held as a constant: both gradients are differentiated": scale * _squares(after - before.detach()),
        "∇ℓ(x + z) is held as a constant: both gradients are differentiated": scale * _squares(after.detach() - before),
    }
    for why, values in held.items():
        if (got - pull(values)).abs().max() <= off:
            fail(f"{name}: the value is right, but {why}")
    fail(
        f"{name}: the value is right, its gradient with respect to the weights is not: is a graph cut "
        "(create_graph=True for both gradients, no .detach() and no .item() on the way)?"
    )


def _mistaken(
    model: nn.Module, x: Tensor, labels: Tensor, noise: Tensor, h: Tensor, loss: _Loss, before: Tensor, after: Tensor
) -> dict[str, list[Tensor]]:
    turned, pixels, count = _squares(after - before), x[0].numel(), len(x)
    scale = pixels / h.square()

    def at(z: Tensor, length: Tensor = h) -> Tensor:
        return pixels / length.square() * _squares(_slopes(model, x + z, labels, loss) - before)

    wide = h.view(-1, 1, 1, 1)
    rules = {
        "h is not squared": [pixels / h * turned],
        "there is no division by h²": [pixels * turned],
        "the number of pixels P is missing": [turned / h.square()],
        "P/h² is missing": [turned],
        "it is divided by P, expected multiplied": [turned / h.square() / pixels],
        "P is the number of pixels of one channel, expected of all channels together": [
            x[0, 0].numel() * turned / h.square(),
        ],
        "the length is not squared": [scale * turned.sqrt(), pixels / h * turned.sqrt()],
        "the loss is averaged before it is differentiated: every gradient is too small by the number of images": [
            scale * turned / count**2
        ],
        "it is divided by the number of images": [scale * turned / count],
        "a mean is taken over the batch, expected a value for each image": [
            (scale * turned).mean().expand(count),
            scale * turned.mean(),
        ],
        "the noise is only multiplied by h: its length is not h": [at(wide * noise)],
        "the noise itself is the step: its length is not h": [at(noise)],
        "the noise of the whole batch is divided by one length": [at(wide * noise / noise.norm())],
        "z is along the sign of the noise": [
            at(_along(noise.sign(), h)),
            at(wide * noise.sign()),
        ],
        "z is along the gradient, expected along the noise": [at(_along(before.detach() + 1e-300, h))],
        "z is along the gradient's sign, expected along the noise": [at(_along(before.detach().sign() + 1e-300, h))],
        "x + z is clamped to the box: it may leave it": [at((x + _along(noise, h)).clamp(0, 1) - x)],
        "z points against the noise": [at(-_along(noise, h))],
        "there is one h for the batch, expected each image's own": [
            at(_along(noise, one.expand(count)), one.expand(count)) for one in (h.mean(), h[0], h.max())
        ],
        "that is the difference of the gradients' lengths, expected the length of their difference": [
            scale * (_squares(after).sqrt() - _squares(before).sqrt()).square(),
            scale * (_squares(after) - _squares(before)).abs(),
        ],
        "that is how far the loss turns, along z alone": [
            scale * ((after - before) * _along(noise, h)).flatten(1).sum(1).square() / h.square()
        ],
    }
    if loss is not cross_entropies:
        first, second = (_slopes(model, each, labels, cross_entropies) for each in (x, x + _along(noise, h)))
        rules["the cross-entropy is differentiated, expected the loss that is given"] = [
            scale * _squares(second - first)
        ]
    return rules
