"""Architectures of the course's networks, each small enough to be read in class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Normalized(nn.Module):
    """A network behind its normalisation: ``network((images - mean) / std)``.

    Args:
        network: maps normalised images to logits.
        mean, std: one number per channel, in pixel units of [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.network((images - self.mean) / self.std)


class SmallCNN(nn.Sequential):
    """Two 3x3 convolutions with max-pooling and two linear layers, for 28x28 images of one channel."""

    def __init__(self, channels: tuple[int, int] = (32, 64), hidden: int = 128, classes: int = 10):
        first, second = channels
        super().__init__(
            nn.Conv2d(1, first, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(second * 7 * 7, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )


class StridedCNN(nn.Sequential):
    """Two strided 4x4 convolutions and two linear layers: cheap enough to train against PGD on a CPU.

    Args:
        channels: of the two convolutions.
        hidden: width between the linear layers.
        classes: logits.
        inputs: channels of the images, and their height and width.
        padding: of the convolutions.

    Source: the small network of Wong & Kolter 2018 (arXiv:1711.00851), which has 16 and 32 channels and 100 units;
    widened.
    """

    def __init__(
        self,
        channels: tuple[int, int] = (32, 64),
        hidden: int = 128,
        classes: int = 10,
        *,
        inputs: tuple[int, int] = (1, 28),
        padding: int = 1,
    ):
        first, second = channels
        size = inputs[1]
        for _ in channels:
            size = (size + 2 * padding - 4) // 2 + 1
        super().__init__(
            nn.Conv2d(inputs[0], first, 4, stride=2, padding=padding),
            nn.ReLU(),
            nn.Conv2d(first, second, 4, stride=2, padding=padding),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * size * size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )


class BasicBlock(nn.Module):
    """Residual block with the parameter-free shortcut (option A of He et al. 2016, section 4.2).

    In training it is skipped with probability ``drop``, image by image (Huang et al. 2016, arXiv:1603.09382).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, drop: float = 0.0):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.padding = stride, (outputs - inputs) // 2
        self.depth = _stochastic_depth(drop)

    def forward(self, x: Tensor) -> Tensor:
        out = self.depth(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        if self.padding:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(out + x)


def _stochastic_depth(drop: float) -> nn.Module:
    if not drop:  # torchvision, loaded after TensorFlow, ends the process
        return nn.Identity()
    from torchvision.ops import StochasticDepth

    return StochasticDepth(drop, "row")


class CifarResNet(nn.Module):
    """ResNet of ``6 * blocks + 2`` layers for 32x32 images (He et al. 2016, arXiv:1512.03385, section 4.2).

    Its stages have ``width``, twice and four times as many channels; the paper's have 16, 32 and 64.

    Args:
        blocks: residual blocks in each of the three stages.
        classes: logits.
        width: channels of the first stage.
        drop_path: probability that training skips the last block (stochastic depth); it grows evenly from the first.
        dropout: probability that training drops a feature before the linear layer.
    """

    def __init__(
        self, blocks: int = 3, classes: int = 10, width: int = 16, *, drop_path: float = 0.0, dropout: float = 0.0
    ):
        super().__init__()
        drops = [drop_path * (i + 1) / (3 * blocks) for i in range(3 * blocks)]
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._stage(width, width, 1, drops[:blocks])
        self.layer2 = self._stage(width, 2 * width, 2, drops[blocks : 2 * blocks])
        self.layer3 = self._stage(2 * width, 4 * width, 2, drops[2 * blocks :])
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(4 * width, classes)

    @staticmethod
    def _stage(inputs: int, outputs: int, stride: int, drops: Sequence[float]) -> nn.Sequential:
        first = BasicBlock(inputs, outputs, stride, drops[0])
        return nn.Sequential(first, *(BasicBlock(outputs, outputs, 1, drop) for drop in drops[1:]))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(self.dropout(x.mean((2, 3))))


class PlainBlock(nn.Module):
    """Residual block without normalisation; its shortcut is a 1x1 convolution where the size changes."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        changed = [nn.Conv2d(inputs, outputs, 1, stride=stride)] if stride > 1 or inputs != outputs else []
        self.shortcut = nn.Sequential(*changed)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.conv1(x))) + self.shortcut(x))


class PlainResNet(nn.Module):
    """A convolution, two residual blocks without normalisation and two linear layers, for 32x32 colour images.

    Source: ResNet-2B of the verifiers' competition (Bak, Liu & Johnson 2021, arXiv:2109.00498), CIFAR-10 benchmark.
    """

    def __init__(self, width: int = 8, hidden: int = 100, classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.layer1 = nn.Sequential(PlainBlock(width, 2 * width, 2), PlainBlock(2 * width, 2 * width, 1))
        self.linear1 = nn.Linear(2 * width * 8 * 8, hidden)
        self.linear2 = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(F.relu(self.conv1(x)))
        return self.linear2(F.relu(self.linear1(x.flatten(1))))


class LeNet(nn.Sequential):
    """Two 5x5 convolutions with max-pooling and two linear layers, for 28x28 images of one channel.

    Source: LeCun et al. 1998 (Proceedings of the IEEE 86), with max-pooling, ReLU and the widths 20, 50 and 500.
    """

    def __init__(self, classes: int = 10):
        super().__init__(
            nn.Conv2d(1, 20, 5),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 50, 5),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(50 * 4 * 4, 500),
            nn.ReLU(),
            nn.Linear(500, classes),
        )


class FullyConnected(nn.Sequential):
    """Linear layers of the given widths with ReLU between them, on the flattened image."""

    def __init__(self, *widths: int):
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        super().__init__(*layers[:-1])


class SignCNN(nn.Sequential):
    """Three pairs of 3x3 convolutions with BatchNorm, each pair halving the image, for 32x32 colour images."""

    def __init__(self, channels: tuple[int, ...] = (32, 64, 128), classes: int = 43):
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((3, *channels)):
            for first, second in ((inputs, outputs), (outputs, outputs)):
                layers += [nn.Conv2d(first, second, 3, padding=1, bias=False), nn.BatchNorm2d(second), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels[-1] * 4 * 4, classes))
