"""What an attack promises of its result: images in the box and, where it is stated, in a ball."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.balls import NORMS, norms
from advcourse.core.running import detached
from advcourse.core.validation import ROUNDING, check_at_least, check_choice, check_images

RESULT = "the attack's result"


def check_promise(eps: float | None, norm: str | None) -> None:
    """Both a radius and its norm, or neither."""
    if (eps is None) != (norm is None):
        name, given = ("norm", "eps") if norm is None else ("eps", "norm")
        raise ValueError(f"{name} is None where {given} is given, expected both or neither")
    if norm is not None:
        check_choice("norm", norm, NORMS)
    check_at_least(0, optional=True, eps=eps)


def promised(
    result: Tensor, images: Tensor, eps: float | None, norm: str | None, numbers: Tensor, *, name: str = ""
) -> Tensor:
    """What an attack made of the images, without a graph, if it keeps its promise; messages call the images by
    ``numbers``, and the attack by its ``name``.
    """
    said = f"{RESULT} ({name})" if name else RESULT
    check_images(result, said)
    found, expected = ((tuple(t.shape), t.dtype, t.device) for t in (result, images))
    if found != expected:
        raise ValueError(f"{said} is {found}, expected {expected}")
    result = detached(result)
    if eps is not None and norm is not None:
        check_ball(result, images, float(eps), norm, numbers, said)
    return result


def within(result: Tensor, images: Tensor, eps: float, norm: str) -> Tensor:
    """Which images lie within ``eps`` of their originals.

    Let in is what rounding does: a millionth of ``eps``, and a unit of the precision in every pixel.
    """
    unit = norms(torch.full_like(images[:1], torch.finfo(images.dtype).eps), norm)
    return norms(result - images, norm) <= eps * (1 + ROUNDING) + unit


def check_ball(result: Tensor, images: Tensor, eps: float, norm: str, numbers: Tensor, said: str = RESULT) -> None:
    """Every image lies within ``eps`` of its original."""
    outside = ~within(result, images, eps, norm)
    if outside.any():
        distance = norms(result - images, norm)
        worst = int(distance.argmax())
        far, count = distance[worst].item(), int(outside.sum())
        more = "" if count == 1 else f" ({count} images are outside)"
        raise ValueError(
            f"{said} is {far:.7g} from image number {int(numbers[worst])} in {norm}, expected at most {eps:.7g}: "
            f"that is {far - eps:.2g} too far{more}"
        )
