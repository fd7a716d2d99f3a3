"""The extractor of FID: the Inception network of 2015 as torch-fidelity has it, where it and its weights can be had."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.core.validation import check_choice, check_images

_LAYERS = ("2048", "logits_unbiased")


class Inception(nn.Module):
    """torch-fidelity's Inception: images ``(N, 3, H, W)`` in [0, 1] to ``(N, 2048)`` features or ``(N, 1008)`` logits.

    Metrics of its features are named FID and KID, its classifier score IS. It rounds images to bytes and resizes them
    as the first implementations did, so that values can be compared with published ones.

    Args:
        layer: ``"2048"`` for FID and KID, or ``"logits_unbiased"`` for IS.
        weights: torch-fidelity's file of weights (``weights-inception-2015-12-05-6726825d.pth``); where not given, it
            looks in torch's cache and downloads.

    Raises:
        ImportError: where torch-fidelity is not installed.
        OSError: where the weights are neither there nor to be had.

    Source: Heusel et al. 2017, arXiv:1706.08500; Salimans et al. 2016, arXiv:1606.03498, section 4.
    """

    def __init__(self, layer: str = "2048", weights: str | os.PathLike[str] | None = None):
        super().__init__()
        check_choice("layer", layer, _LAYERS)
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError as error:
            raise ImportError("Inception needs torch-fidelity: pip install torch-fidelity") from error
        path = None if weights is None else os.fspath(weights)
        try:
            network: Any = FeatureExtractorInceptionV3("inception-v3-compat", [layer], path)
        except OSError as error:
            raise OSError(
                f"The weights of Inception cannot be had ({error}). Name their file, weights=…, or use another "
                'extractor, as Penultimate(models.load("mnist/cnn")): its metrics are then named after it.'
            ) from error
        self.network = network.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        check_images(images)
        return self.network((255 * images.float()).round().to(torch.uint8))[0]
