"""A network behind a defense that transforms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.validation import check_callable, check_images
from advcourse.wrappers import Transform


class Defended(nn.Module):
    """The network behind a transform: f(t(x)), for attacks and evaluations to take as one model.

    An attack that knows the defense runs against this module: as it is where t is differentiable, with
    ``Defended(bpda(t), network)`` where t has no useful gradient, and against ``eot(network, t, samples)`` where t is
    random. What the defense is worth is then measured on this module with t itself.

    Args:
        transform: t, ``(images, generator) -> images`` of the same shape in [0, 1], such as the modules beside this
            one; in training it is run as in evaluation.
        network: f, maps images to logits ``(N, K)``.

    Raises:
        ValueError: for what cannot be called; when it is run, where the transform returns another shape or leaves
            [0, 1].

    Source: Athalye, Carlini & Wagner 2018, arXiv:1802.00420, section 5.
    """

    def __init__(self, transform: Transform, network: nn.Module):
        super().__init__()
        check_callable(transform=transform, network=network)
        self.transform, self.network = transform, network

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        seen = self.transform(images, generator)
        if not isinstance(seen, Tensor) or seen.shape != images.shape:
            came = tuple(seen.shape) if isinstance(seen, Tensor) else type(seen).__name__
            raise ValueError(f"transform returned {came}, expected {tuple(images.shape)}, the images' shape")
        check_images(seen, "what transform returned")
        return self.network(seen)
