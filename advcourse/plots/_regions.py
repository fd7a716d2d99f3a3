"""Decision regions of several models on one plane through an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor, nn

from advcourse.core.losses import cross_entropy, input_gradient
from advcourse.core.running import evaluating, predict, untouched
from advcourse.core.validation import (
    check_answer,
    check_at_least,
    check_choice,
    check_class,
    check_count,
    check_images,
    check_models,
)
from advcourse.plots._styling import PALETTE, style

OTHERS = "#cccccc"


def pixel_level(direction: Tensor) -> Tensor:
    """The direction scaled so that one unit changes the pixels by one level of 255 in the root mean square."""
    return direction * (direction.numel() ** 0.5 / 255 / torch.linalg.vector_norm(direction))


def plane(
    model: nn.Module, image: Tensor, label: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """The loss gradient of an image and a random direction orthogonal to it, both one ``pixel_level`` long."""
    with evaluating(model), untouched(model, image[None], generator):
        x = image.detach().clone()[None].requires_grad_()
        logits = model(x)
        check_answer(logits, 1)
        check_class(logits.shape[1], label=int(label))
        gradient = input_gradient(cross_entropy(logits, torch.tensor([label], device=x.device)), x)[0]
    if not gradient.any():
        raise ValueError("model has no gradient at the image, expected one that is not zero: a direction")
    device = image.device if generator is None else generator.device
    drawn = torch.randn(image.shape, generator=generator, dtype=image.dtype, device=device).to(image.device)
    first = gradient / torch.linalg.vector_norm(gradient)
    return pixel_level(first), pixel_level(drawn - (drawn * first).sum() * first)


@style()
def decision_regions(
    models: Mapping[str, nn.Module],
    image: Tensor,
    label: int,
    *,
    source: str | None = None,
    radius: float = 30.0,
    points: int = 41,
    classes: Sequence[str] = (),
    generator: torch.Generator | None = None,
    size: float = 2.4,
) -> Figure:
    """What each model predicts at x + u δ₁ + v δ₂, side by side, one colour for one class.

    δ₁ is the direction of the source's loss gradient at the image and δ₂ a random direction orthogonal to it. Both are
    scaled so that u and v count pixel levels: one unit is a root mean square change of 1/255, hence the distance from
    the image is its RMSD in levels of 255.

    Args:
        models: by the name above their panel; all see the same plane.
        image: ``(C, H, W)`` in [0, 1], drawn as a cross at the origin.
        label: its class, whose loss rises to the right, whose region is blue.
        source: the name of the model whose gradient is taken; the first where it is not given.
        radius: half the side of the square, in pixel levels. It may leave [0, 1]; nothing is clipped.
        points: along each side.
        classes: names for the legend; the classes' numbers where they are not given.
        generator: draws the second direction.
        size: of a panel, in inches.

    Returns:
        The figure. The classes that cover most have a colour each, ``label`` first; the rest are grey.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Liu, Chen, Liu & Song 2017, arXiv:1611.02770, Figure 3.
    """
    check_models(models, named=True)
    check_images(image[None], "image")
    source = next(iter(models)) if source is None else source
    check_choice("source", source, tuple(models))
    check_at_least(0, radius=radius)
    check_count(points=points)
    right, up = plane(models[source], image, label, generator)
    axis = torch.linspace(-radius, radius, points, dtype=image.dtype, device=image.device)
    line = image + axis.view(-1, 1, 1, 1) * right
    predicted = np.stack(
        [
            torch.stack([predict(model, line + v * up).argmax(1) for v in axis]).cpu().numpy()
            for model in models.values()
        ]
    )

    found, area = np.unique(predicted, return_counts=True)
    ranked = [label, *(k for k in found[np.argsort(-area, kind="stable")].tolist() if k != label)]
    own = ranked[: len(PALETTE)]
    shades = [*PALETTE[: len(own)], OTHERS]
    shown = np.full_like(predicted, len(own))
    for shade, k in enumerate(own):
        shown[predicted == k] = shade

    columns = len(models) + 1
    lines = -(-(len(own) + (len(ranked) > len(own))) // columns)
    height = size + 0.7 + 0.2 * lines
    wide = 0.8 + size * len(models)
    figure, panels = plt.subplots(1, len(models), figsize=(wide, height), squeeze=False, sharey=True)
    ticks = axis.cpu().numpy()
    for ax, name, region, shade in zip(panels[0], models, predicted, shown, strict=True):
        ax.pcolormesh(ticks, ticks, shade, cmap=ListedColormap(shades), vmin=-0.5, vmax=len(shades) - 0.5)
        _draw_borders(ax, ticks, region)
        ax.plot(0, 0, "x", color="white", markersize=7, markeredgewidth=2)
        ax.set(title=name, xlabel="levels along the gradient", aspect="equal")
        ax.grid(False)
    panels[0, 0].set_ylabel("levels along a random\northogonal direction")
    handles = [
        Patch(color=c, label=classes[k] if len(classes) else f"class {k}") for c, k in zip(shades, own, strict=False)
    ]
    handles += [Patch(color=OTHERS, label="other classes")] * (len(ranked) > len(own))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)
    return figure


def _draw_borders(ax: Axes, ticks: np.ndarray, region: np.ndarray) -> None:
    """White lines between the regions, so that colour alone does not tell them apart."""
    for k in np.unique(region)[1:]:
        ax.contour(ticks, ticks, region == k, levels=[0.5], colors="white", linewidths=0.7)
