"""Features of images, from any network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.running import Model, evaluating
from advcourse.core.validation import check_count, check_images, check_model


@torch.no_grad()
def features(extractor: Model, images: Tensor, batch_size: int | None = None) -> Tensor:
    """What an extractor makes of images: one row for each, in eval mode, batch by batch, without a graph.

    Args:
        extractor: maps images ``(N, C, H, W)`` to ``(N, D)``: ``Penultimate(classifier)``, ``Inception()``, or any
            network that does.
        images: ``(N, C, H, W)`` in [0, 1]. Bring a generator's images there first: ``(x + 1) / 2`` after a tanh.
        batch_size: images at a time; 256 where it is not given.

    Returns:
        ``(N, D)``, in the extractor's precision, on the images' device.

    Raises:
        ValueError: for bad input, or where the extractor returns something else than ``(N, D)`` or NaN.
    """
    check_images(images)
    check_model(extractor, images)
    check_count(optional=True, batch_size=batch_size)
    parts = []
    with evaluating(extractor):
        for batch in images.detach().split(256 if batch_size is None else int(batch_size)):
            parts.append(extractor(batch.clone()))
            _check_answer(parts[-1], len(batch))
    return torch.cat(parts)


class Penultimate(nn.Module):
    """A classifier's features: what its last linear layer is given, ``(N, D)``.

    ``Penultimate(models.load("mnist/cnn"))`` maps 28 x 28 digits to 128 numbers.

    Args:
        classifier: maps images to logits by a ``torch.nn.Linear`` that is called last of all. It stays as it is.

    Raises:
        ValueError: where it has no such layer, or calls none.
    """

    def __init__(self, classifier: nn.Module):
        super().__init__()
        if not isinstance(classifier, nn.Module):
            raise ValueError(f"classifier is a {type(classifier).__name__}, expected a torch.nn.Module")
        if not any(isinstance(layer, nn.Linear) for layer in classifier.modules()):
            raise ValueError(f"classifier is a {type(classifier).__name__} without nn.Linear, expected one at its end")
        self.classifier = classifier
        self.training = classifier.training

    def forward(self, images: Tensor) -> Tensor:
        given: list[Tensor] = []
        layers = [layer for layer in self.classifier.modules() if isinstance(layer, nn.Linear)]
        hooks = [layer.register_forward_pre_hook(lambda layer, inputs: given.append(inputs[0])) for layer in layers]
        try:
            self.classifier(images)
        finally:
            for hook in hooks:
                hook.remove()
        if not given:
            raise ValueError("classifier has called none of its nn.Linear, expected one at its end")
        return given[-1]


def _check_answer(answer: object, count: int) -> None:
    if not isinstance(answer, Tensor) or answer.dim() != 2 or len(answer) != count or not answer.is_floating_point():
        came = f"{answer.dtype} {tuple(answer.shape)}" if isinstance(answer, Tensor) else type(answer).__name__
        raise ValueError(f"extractor returned {came}, expected floating-point features ({count}, D): flatten(1) maps")
    if not answer.isfinite().all():
        raise ValueError("extractor returned NaN or infinity, expected finite features")
