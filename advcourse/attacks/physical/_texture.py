"""Adversarial textures: a 3-D object painted so that it is taken for the target from wherever it is seen."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.attacks.physical._optimise import Box, descend
from advcourse.core.losses import nll
from advcourse.core.running import Model, untouched
from advcourse.core.validation import check_at_least, check_callable, check_class, check_count, check_model
from advcourse.rendering import Poses, TexturedObject, check_texture, draw_poses
from advcourse.wrappers import eot

Draw = Callable[[int, torch.Generator | None], Poses]


def texture(
    model: Model,
    object: TexturedObject,
    *,
    target: int | None = None,
    label: int | None = None,
    eps: float | None = None,
    penalty: float = 0.0,
    poses: Draw = draw_poses,
    size: int | tuple[int, int] = 224,
    steps: int = 300,
    step_size: float = 0.02,
    samples: int = 8,
    init: Tensor | None = None,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Tensor:
    """Adversarial texture: expectation over the poses in which an object may be seen.

    It solves::

        argmax_{τ∈[0,1]} 𝔼ₜ[log Pr(ŷ | Rₜ(τ))] - λ mean (τ - τ₀)²,  ‖τ - τ₀‖∞ ≤ ε

    where Rₜ renders the texture in pose t. Without a target it maximises ``-𝔼ₜ[log Pr(y | Rₜ(τ))]``, y the label. Adam
    on the texture, put back into the box and the ball after every step; each step draws poses of its own. Costs
    ``steps * samples`` rows forward and backward.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        object: what is painted; τ₀ is its texture.
        target: the class to reach.
        label: the class to get away from; one of the two is given, or both, when the target decides.
        eps: the most by which a channel of the texture may change, in units of [0, 1]; unbounded where it is not given.
        penalty: λ, the weight of the mean squared change.
        poses: ``(n, generator) -> Poses``: the distribution; ``functools.partial(rendering.draw_poses, …)`` sets its
            ranges.
        size: of the pictures, height and width.
        steps: of Adam.
        step_size: Adam's learning rate, in units of [0, 1].
        samples: poses per step.
        init: texture to start from, ``(3, h, w)``; the object's own where it is not given.
        generator: draws the poses; the global random state is then left as it was.
        progress: show a progress bar on stdout, with the loss.

    Returns:
        The texture ``(3, h, w)`` in [0, 1], without a graph. The object keeps its own.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Athalye, Engstrom, Ilyas & Kwok 2018, arXiv:1707.07397, sections 2.1 and 2.3 (there with a penalty in
    LAB colours and no bound).
    """
    if not isinstance(object, TexturedObject):
        raise ValueError(f"object is a {type(object).__name__}, expected a TexturedObject")
    if target is None and label is None:
        raise ValueError("target and label are None, expected one of them")
    check_class(optional=True, target=target, label=label)
    if target == label:
        raise ValueError(f"target is {target}, expected another class than label")
    check_callable(poses=poses)
    check_count(steps=steps, samples=samples)
    check_at_least(0, penalty=penalty, step_size=step_size)
    check_at_least(0, optional=True, eps=eps)
    original = object.texture.detach()
    if init is not None:
        check_texture(init, "init")
        if init.shape != original.shape:
            raise ValueError(f"init has shape {tuple(init.shape)}, expected the object's {tuple(original.shape)}")
    check_model(model, original[None])
    box: Box = (0.0, 1.0) if eps is None else ((original - eps).clamp_min(0), (original + eps).clamp_max(1))

    def seen(textures: Tensor, generator: torch.Generator | None) -> Tensor:
        return object.render(textures, object.views(poses(len(textures), generator), size))

    scene = eot(model, seen, samples, generator=generator)
    with untouched(model, original, generator):
        pixels = (original if init is None else init.detach().to(original)).clamp(*box).requires_grad_()

        def loss() -> Tensor:
            scores = scene(pixels[None])
            check_class(scores.shape[1], optional=True, target=target, label=label)
            aim = nll(scores, torch.tensor([label if target is None else target], device=scores.device))[0]
            return -aim if target is None else aim

        def change() -> Tensor:
            return penalty * (pixels - original).square().mean()

        descend(pixels, loss, change, steps=steps, step_size=step_size, box=box, progress=progress)
    return pixels.detach()
