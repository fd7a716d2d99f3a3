"""The defenses that transform. One joins by a line."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from advcourse.defenses import (
    JPEG,
    BitDepth,
    Blur,
    CropResize,
    DenoisingAutoencoder,
    Quilting,
    ResizePad,
    SoftJPEG,
    SoftQuilting,
    TotalVariation,
)
from tests.contracts.defenses import Case
from tests.support.toys import pictures


class Either(nn.Module):
    """One module for grey images, another for coloured ones."""

    def __init__(self, make: Callable[[int], nn.Module]):
        super().__init__()
        self.grey, self.coloured = make(1), make(3)
        self.kind = type(self.coloured)

    def forward(self, images: Tensor, generator: object = None) -> Tensor:
        grey = isinstance(images, Tensor) and images.dim() == 4 and images.shape[1] == 1
        return (self.grey if grey else self.coloured)(images, generator)


def quilted(kind: type[nn.Module] = Quilting, **settings: object) -> Either:
    """From patches of one pixel: every size of image holds one."""
    return Either(lambda channels: kind(pictures(60, channels, 1, 1), **{"overlap": 0, **settings}))


def denoiser(**settings: int) -> Either:
    """Untrained, in float64."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return Either(lambda channels: DenoisingAutoencoder(**{"channels": channels, "width": 4, **settings})).double()


NAN = float("nan")
SHARE = (0, -0.1, 1.01, NAN, None)
QUALITY = (0, 101, 50.5, True, None)
CATALOGUE: list[Case] = [
    Case("Blur", partial(Blur, sigma=1.0), bad={"sigma": (0, -1, NAN, 101, None), "kernel_size": (0, 4, 2.5)}),
    Case("BitDepth", partial(BitDepth, bits=3), differentiable=False, bad={"bits": (0, 9, 2.5, True, None)}),
    Case("JPEG", partial(JPEG, quality=75), differentiable=False, bad={"quality": QUALITY}),
    Case("SoftJPEG", partial(SoftJPEG, quality=75), bad={"quality": QUALITY, "rounding": (None, 1)}),
    Case("DenoisingAutoencoder", denoiser, bad={"channels": (0, 2.5, None), "width": (0, 2.5, None)}),
    Case("CropResize", partial(CropResize, share=0.5), random=True, bad={"share": SHARE}),
    Case("ResizePad", partial(ResizePad, smallest=0.7), random=True, bad={"smallest": SHARE}),
    Case(
        "TotalVariation",
        partial(TotalVariation, steps=20),
        random=True,
        bad={"drop": (-0.1, 1, NAN, None), "weight": (0, -1, NAN, None), "steps": (0, 2.5, None)},
    ),
    Case(
        "Quilting",
        quilted,
        random=True,
        differentiable=False,
        bad={"k": (0, 61, 2.5, None), "overlap": (-1, 1, 0.5, None), "blend": ("min", None)},
    ),
    Case(
        "SoftQuilting",
        partial(quilted, SoftQuilting, near=60),  # all: which are near does not change on the way of a difference
        bad={"near": (0, 61, 2.5, None), "overlap": (-1, 1, 0.5, None), "temperature": (0, -1, NAN, None)},
    ),
]
