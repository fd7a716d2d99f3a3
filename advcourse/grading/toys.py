"""Models so small that an attack's exact result can be written down: what the checks compare with."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Affine(nn.Module):
    """Logits z = W x + b of the flattened image x.

    The gradient of the cross-entropy ℓ(z, y) with respect to x is ``Wᵀ (softmax(z) - e_y)``, ``e_y`` the one-hot label.
    On two classes its sign is that of ``w_other - w_y``, the same for every image.

    Args:
        weight: ``(K, P)`` numbers, one row per class, P = C·H·W.
        bias: K numbers, zero by default.
        dtype: of the parameters; the images must have the same.
    """

    def __init__(
        self,
        weight: Tensor | Sequence[Sequence[float]],
        bias: Sequence[float] | None = None,
        dtype: torch.dtype = torch.float64,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight, dtype=dtype))
        offset = torch.zeros(len(self.weight)) if bias is None else torch.as_tensor(bias)
        self.bias = nn.Parameter(offset.to(dtype))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.T + self.bias

    def loss_gradient(self, images: Tensor, labels: Tensor) -> Tensor:
        """∇ₓℓ(W x + b, y) by the formula, in the shape of ``images``; no graph."""
        with torch.no_grad():
            residual = self(images).softmax(1) - nn.functional.one_hot(labels, len(self.weight))
            return (residual @ self.weight).view_as(images)


class TwoClasses(nn.Module):
    """Logits ``(m(x), 0)``: class 0 is predicted where the margin m(x) is positive, class 1 where it is negative.

    The sign of the loss gradient is -sign ∇m(x) for label 0 and +sign ∇m(x) for label 1.

    Args:
        margin: maps images ``(N, C, H, W)`` to N numbers; differentiable.
    """

    def __init__(self, margin: Callable[[Tensor], Tensor]):
        super().__init__()
        self.margin = margin
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        margins = self.scale.to(images.dtype) * self.margin(images)
        return torch.stack([margins, torch.zeros_like(margins)], dim=1)


class Prototypes(nn.Module):
    """Logits ``z_k = b_k - s_k ‖x - c_k‖²``: boundaries are spheres, or planes where two scales s are equal.

    Args:
        centers: ``(K, C, H, W)``, the images ``c_k``.
        scales: K numbers ``s_k > 0``.
        bias: K numbers ``b_k``, zero by default.
        dtype: of the parameters; the images must have the same.
    """

    def __init__(
        self,
        centers: Tensor,
        scales: Sequence[float],
        bias: Sequence[float] | None = None,
        dtype: torch.dtype = torch.float64,
    ):
        super().__init__()
        self.centers = nn.Parameter(centers.to(dtype))
        self.scales = nn.Parameter(torch.tensor(scales, dtype=dtype))
        self.bias = nn.Parameter(torch.tensor(bias or [0.0] * len(scales), dtype=dtype))

    def forward(self, images: Tensor) -> Tensor:
        squares = (images[:, None] - self.centers).flatten(2).square().sum(2)
        return self.bias - self.scales * squares

    def logit_gradients(self, images: Tensor) -> Tensor:
        """``∇ₓz_k = -2 s_k (x - c_k)`` by the formula, ``(N, K, C, H, W)``; no graph."""
        with torch.no_grad():
            return -2 * self.scales.view(-1, 1, 1, 1) * (images[:, None] - self.centers)


class Told(nn.Module):
    """Logits that a function of the images tells.

    Args:
        logits: maps images ``(N, C, H, W)`` to ``(N, K)``.
    """

    def __init__(self, logits: Callable[[Tensor], Tensor]):
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images)
