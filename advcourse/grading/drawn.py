"""Small classifiers of images with drawn weights: smooth, with dead units, or with batch normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.grading.draws import unseen
from advcourse.grading.toys import Affine


class Slopes(nn.Module):
    """Logits ``A a(B x + b) + c`` of the flattened image x, a the hyperbolic tangent, or a squared ReLU.

    Args:
        size: numbers in an image.
        classes: K.
        dead: a is the squared ReLU, and no unit responds to an image whose first pixel is zero: the gradient is zero.
        scale: of the logits.
        seed: of the weights.
    """

    def __init__(
        self,
        size: int,
        classes: int = 3,
        *,
        dead: bool = False,
        scale: float = 2.0,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
    ):
        super().__init__()
        draw, units = torch.Generator().manual_seed(seed), 5

        def drawn(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=draw, dtype=torch.float64)

        inner, offset = 2 * drawn(units, size) / size**0.5, 0.3 * drawn(units)
        if dead:
            inner[:, 0], offset = 20, -10 + offset.clamp(-1, 1)
            inner[:, 1:] = inner[:, 1:].clamp(-1 / size, 1 / size)
        self.dead = dead
        self.inner, self.offset = nn.Parameter(inner.to(dtype)), nn.Parameter(offset.to(dtype))
        self.outer, self.level = (
            nn.Parameter((scale * drawn(classes, units)).to(dtype)),
            nn.Parameter(drawn(classes).to(dtype)),
        )

    def forward(self, images: Tensor) -> Tensor:
        inside = images.flatten(1) @ self.inner.T + self.offset
        return (0.05 * inside.relu().square() if self.dead else inside.tanh()) @ self.outer.T + self.level


class Louder(nn.Module):
    """The identity, and in train mode twice its input: which mode it is in shows in every answer."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if self.training else x


def with_batch_norms(
    shape: tuple[int, ...], classes: int = 3, *, seed: int = 0, dtype: torch.dtype = torch.float64
) -> nn.Sequential:
    """Two batch normalisations, the second among images of one row, and what tells train from eval mode.

    Args:
        shape: of an image, ``(C, H, W)``.
    """
    channels, height, width = shape
    layers = [
        nn.Conv2d(channels, 3, 1),
        nn.BatchNorm2d(3, momentum=0.3),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(3 * height * width, 4),
        nn.BatchNorm1d(4),
        Louder(),
        nn.Tanh(),
        nn.Linear(4, classes),
    ]
    draw, network = torch.Generator().manual_seed(seed), nn.Sequential(*layers)
    with torch.no_grad():
        for each in [*network.parameters(), *network.buffers()]:
            if each.is_floating_point():
                each.copy_(torch.randn(each.shape, generator=draw).div(max(1, each[0].numel()) ** 0.5))
        for layer in network:
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_var is not None:
                layer.running_var.abs_().add_(0.5)
                layer.weight.abs_().add_(0.5)
    return network.to(dtype)


def torn(seed: int, dtype: torch.dtype = torch.float64) -> tuple[Affine, Tensor, Tensor]:
    """Three classes, an image of class 0, and the signs ``(1, 2, 2, 3)`` of the gradient of its loss.

    At every pixel the gradient of the cross-entropy of probabilities, as if they were logits, has the opposite sign: of
    the weights of classes 1 and 2, which are s and -B s there, the one loss has class 2 prevail and the other class 1.
    """
    draw = torch.Generator().manual_seed(seed)
    image = 0.2 + 0.6 * torch.rand(1, 2, 2, 3, generator=draw, dtype=torch.float64)
    logits = torch.tensor([2.0, 1.2, 0.0], dtype=torch.float64) + 0.5 * torch.rand(3, generator=draw).double()
    p = logits.softmax(0)
    pull = p.softmax(0) - torch.tensor([1.0, 0.0, 0.0])
    pull = p * (pull - (p * pull).sum())
    between = (p[1] / p[2] * pull[1] / pull[2]).sqrt()
    signs = 2.0 * torch.randint(2, (12,), generator=draw).double() - 1
    weight = torch.stack([0 * signs, signs, -between * signs])
    bias = logits - weight @ image.flatten()
    return Affine(weight, bias.tolist(), dtype), image.to(dtype), -signs.view(image.shape).to(dtype)


def images_of(shape: tuple[int, ...], seed: int | None = None, dtype: torch.dtype = torch.float64) -> Tensor:
    """Images ``(N, C, H, W)`` in [0, 1], the same for the same seed; some of their pixels black or white."""
    draw = unseen() if seed is None else torch.Generator().manual_seed(seed)
    return (1.2 * torch.rand(shape, generator=draw, dtype=torch.float64) - 0.1).clamp(0, 1).to(dtype)


def labels_of(count: int, classes: int = 3) -> Tensor:
    """Labels 0, 1, …, K - 1, 0, …"""
    return torch.arange(count) % classes


def own_gradients(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of each image's own cross-entropy, without a graph, where no answer depends on another image."""
    x = images.detach().clone().requires_grad_()
    return torch.autograd.grad(nn.functional.cross_entropy(model(x), labels, reduction="sum"), x)[0]
