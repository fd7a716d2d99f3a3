"""What several attacks change of one image, pixel by pixel, on one scale."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.core.validation import check_images
from advcourse.plots._images import draw_image
from advcourse.plots._styling import array, style


@style()
def show_changes(image: Tensor, adversarials: Mapping[str, Tensor], *, title: str = "image") -> Figure:
    """An image, and for each attack how far its pixels have moved, on one scale for all.

    With one channel the signed change, red upwards and blue downwards; with more the length of the pixel's change over
    its channels, darker for longer. The scale ends at the 99.5th percentile of all changes.

    Args:
        image: ``(C, H, W)`` in [0, 1].
        adversarials: by the name above its panel, ``(C, H, W)``.
        title: above the image.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_images(image[None] if isinstance(image, Tensor) else image, "image")
    if not adversarials:
        raise ValueError("adversarials is empty, expected at least one")
    changes = []
    for name, adversarial in adversarials.items():
        if adversarial.shape != image.shape:
            raise ValueError(f"adversarials[{name!r}] is {tuple(adversarial.shape)}, expected {tuple(image.shape)}")
        delta = (adversarial - image).detach()
        changes.append(delta[0] if len(image) == 1 else torch.linalg.vector_norm(delta, dim=0))
    every = torch.stack(changes)
    end = every.abs().flatten().cpu().quantile(0.995).clamp_min(torch.finfo(every.dtype).tiny).item()
    signed = len(image) == 1
    look = {"cmap": "RdBu_r", "vmin": -end} if signed else {"cmap": "Greys", "vmin": 0}
    figure, panels = plt.subplots(1, len(changes) + 1, figsize=(7.6, 8.6 / (len(changes) + 1) + 0.5))
    draw_image(panels[0], image, title)
    for ax, name, change in zip(panels[1:], adversarials, every, strict=True):
        shown = ax.imshow(array(change), vmax=end, interpolation="nearest", **look)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(True)
        ax.set_title(name, fontsize=9)
    what = "change of the pixel" if signed else "length of the pixel's change"
    figure.colorbar(shown, ax=panels[1:], orientation="horizontal", label=what, aspect=40, pad=0.03)
    return figure
