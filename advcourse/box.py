"""The box [0, 1] of the pixels, with a gradient at its edge."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDING = 1e-6


def clip(images: Tensor) -> Tensor:
    """The images clamped to [0, 1], with the gradient of what lies in the box, its edge included.

    ``torch.clamp`` passes none at exactly 0 and 1 (torch 2.14), where black and white pixels would stay for ever.
    What rounding takes out of the box, by at most :data:`ROUNDING` or eight units of the precision, counts as on the
    edge.
    """
    if not images.requires_grad:
        return images.clamp(0, 1)
    inside = images.detach().clamp(0, 1)
    beyond = images.detach() - inside
    edge = max(ROUNDING, 8 * torch.finfo(images.dtype).eps)
    return torch.where(beyond.abs() <= edge, images - beyond, inside)
