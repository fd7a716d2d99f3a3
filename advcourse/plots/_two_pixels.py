"""Classifiers of images of two pixels (1, 1, 2): the page is then the whole space of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from advcourse.core.validation import check_above, check_answer, check_choice, check_count, check_images
from advcourse.plots._styling import PALETTE, array, axes_or_new, style

REGIONS = ("#d6e6f2", "#fbdcc8", "#d5efe6", "#f4e3ee", "#fbf0cd", "#dbeefa", "#dddddd")
"""The palette's colours, light enough to draw on."""

RIM = [withStroke(linewidth=4.0, foreground="white")]


def _page(points: int) -> tuple[Tensor, Tensor]:
    """The places along a side, and every image of the page, ``(points², 1, 1, 2)``."""
    check_count(points=points, at_least=2)
    axis = torch.linspace(0, 1, points, dtype=torch.float64)
    return axis, torch.cartesian_prod(axis, axis).view(-1, 1, 1, 2)


def _place(image: Tensor, name: str) -> Tensor:
    if not isinstance(image, Tensor) or image.numel() != 2:
        given = f"of shape {tuple(image.shape)}" if isinstance(image, Tensor) else f"a {type(image).__name__}"
        raise ValueError(f"{name} is {given}, expected an image of two pixels")
    return image.detach().flatten().cpu()


@style()
def draw_page(model: Callable[[Tensor], Tensor], ax: Axes | None = None, *, points: int = 301) -> Axes:
    """What a classifier answers everywhere on the page: one colour for one class, grey lines between them.

    Args:
        model: maps images ``(N, 1, 1, 2)``, float64 in [0, 1], to logits.
        ax: where to draw.
        points: along each side.
    """
    ax = axes_or_new(ax, 4.6, 4.4)
    axis, images = _page(points)
    with torch.no_grad():
        logits = model(images)
    check_answer(logits, len(images))
    predicted, places = array(logits.argmax(1).view(points, points).T), array(axis)
    edges = torch.arange(len(REGIONS) + 1) - 0.5
    ax.contourf(places, places, predicted % len(REGIONS), levels=array(edges), colors=REGIONS)
    for k in range(logits.shape[1]):
        if 0 < (predicted == k).mean() < 1:
            ax.contour(places, places, predicted == k, levels=[0.5], colors="grey", linewidths=0.8)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.grid(False)
    return ax


@style()
def draw_levels(ax: Axes, function: Callable[[Tensor], Tensor], *, levels: int = 15, points: int = 201) -> Axes:
    """Lines of equal value of a function of images of two pixels, ``(N, 1, 1, 2)`` to ``(N,)``, in grey."""
    check_count(levels=levels)
    axis, images = _page(points)
    with torch.no_grad():
        values = function(images).view(points, points).T
    ax.contour(array(axis), array(axis), array(values), levels, colors="grey", linewidths=0.6, linestyles="-")
    return ax


@style()
def draw_ball(ax: Axes, image: Tensor, radius: float, *, norm: str = "l2", color: str = PALETTE[0]) -> Axes:
    """The ball of that radius around an image of two pixels: a circle in l2, a square in linf."""
    check_above(0, radius=radius)
    check_choice("norm", norm, ("l2", "linf"))
    x, y = _place(image, "image").tolist()
    corner = (x - radius, y - radius)
    ball = Circle((x, y), radius) if norm == "l2" else Rectangle(corner, 2 * radius, 2 * radius)
    ball.set(fill=False, edgecolor=color, linewidth=1.5, linestyle="--")
    ax.add_patch(ball)
    return ax


@style()
def draw_steps(ax: Axes, path: Tensor | Sequence[Tensor], *, color: str = "black", name: str = "") -> Axes:
    """Images of two pixels one after the other: a dot at the first, an arrow with a white rim for every step.

    Args:
        ax: where to draw.
        path: ``(T, 1, 1, 2)``, or the images in a list.
        color: of dot and arrows.
        name: beside the dot.
    """
    places = torch.stack([_place(image, "path") for image in path])
    x, y = places[0].tolist()
    ax.plot(x, y, "o", color=color, markersize=6, path_effects=RIM, zorder=4)
    for start, end in zip(places, places[1:], strict=False):
        arrow = {
            "arrowstyle": "-|>",
            "color": color,
            "linewidth": 1.5,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 10,
        }
        ax.annotate("", end.tolist(), start.tolist(), arrowprops={**arrow, "path_effects": RIM}, zorder=3)
    if name:
        ax.annotate(name, (x, y), (-8, 5), textcoords="offset points", ha="right", path_effects=RIM, zorder=5)
    return ax


@style()
def draw_tangents(ax: Axes, model: Callable[[Tensor], Tensor], image: Tensor) -> Axes:
    """The borders of the classifier linearised at an image of two pixels: dotted, the nearest an orange line.

    For the predicted class k̂ and each other class k it is the line::

        z_k(x) - z_k̂(x) + (∇z_k(x) - ∇z_k̂(x))·r = 0

    Raises:
        ValueError: where the model's differences have no gradient at the image.
    """
    check_images(image, "image")
    here = _place(image, "image")
    leaf = image.detach().clone().requires_grad_()
    with torch.enable_grad():
        z = model(leaf)[0]
        slopes = torch.stack([torch.autograd.grad(each, leaf, retain_graph=True)[0].flatten() for each in z])
    home = int(z.argmax())
    others = [k for k in range(len(z)) if k != home]
    gaps, normals = (z - z[home]).detach().cpu()[others], (slopes - slopes[home]).cpu()[others]
    lengths = normals.norm(dim=1)
    if not lengths.all():
        raise ValueError("model has no gradient at the image, expected one that is not zero")
    nearest = int((gaps.abs() / lengths).argmin())
    for i, (gap, normal, length) in enumerate(zip(gaps, normals, lengths, strict=True)):
        foot = here - gap / length**2 * normal
        along = foot + torch.stack([-normal[1], normal[0]]) / length
        color, linestyle = (PALETTE[1], "-") if i == nearest else ("black", ":")
        ax.axline(foot.tolist(), along.tolist(), zorder=2, color=color, linestyle=linestyle, linewidth=1.4)
    return ax
