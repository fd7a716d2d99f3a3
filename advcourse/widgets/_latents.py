"""The explorer of latents: along directions, between two latents, and whether the image was copied."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import plots
from advcourse.core.running import Model
from advcourse.core.validation import check_choice, check_count, check_images
from advcourse.gan import generate, slerp
from advcourse.gan.metrics import features, nearest_neighbours
from advcourse.widgets._explorer import LATE, Explorer

WALKS = {"spherical": "along a great circle", "linear": "along a straight line"}
"""The ways from one latent to another: ``gan.slerp``, and the straight line."""


def walk_latents(start: Tensor, end: Tensor, t: float | Tensor, *, walk: str = "spherical") -> Tensor:
    """From one latent ``(latent,)`` to another, by ``gan.slerp`` or in a straight line; as many as there are t."""
    check_choice("walk", walk, tuple(WALKS))
    if walk == "spherical":
        return slerp(start, end, t)
    part = torch.as_tensor(t, dtype=start.dtype, device=start.device)
    return start + part[..., None] * (end - start)


def draw_walk(
    generator: nn.Module, start: Tensor, end: Tensor, *, count: int = 8, walk: str = "spherical", title: str = ""
) -> Figure:
    """A strip of images on the way from one latent to another; above each the share t of the way.

    Args:
        generator: maps latents to images.
        start, end: ``(latent,)``.
        count: images, both ends among them.
        walk: ``"spherical"`` (``gan.slerp``) or ``"linear"``.
        title: above the strip.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_count(at_least=2, count=count)
    shares = torch.linspace(0, 1, int(count))
    images = _images(generator, walk_latents(start, end, shares, walk=walk))
    with plots.style():
        figure = Figure(figsize=(7.6, 7.6 / int(count) + (0.6 if title else 0.3)))
        panels = figure.subplots(1, int(count), squeeze=False)[0]
        for ax, image, share in zip(panels, images, shares.tolist(), strict=True):
            plots.draw_image(ax, image, f"{'t = ' if share == 0 else ''}{share:.2f}")
        figure.suptitle(title, fontsize=10)
    return figure


def draw_latent(image: Tensor, *, nearest: Tensor | None = None, titles: Sequence[str] = ("", "")) -> Figure:
    """One made image, large, and beside it the training image nearest to it where given, each ``(C, H, W)``."""
    shown = [image] if nearest is None else [image, nearest]
    with plots.style():
        figure = Figure(figsize=(3.4 * len(shown), 3.6))
        for ax, each, title in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, titles, strict=False):
            plots.draw_image(ax, each, title)
    return figure


class LatentExplorer(Explorer):
    """What ``explore_latents`` returns: its controls, its picture and its line of text, as attributes.

    Attributes:
        sliders: one a direction.
        anchors: the two latents between which the position moves, ``(2, latent)``.
        latent: what is shown now, ``(latent,)``.
    """

    def __init__(
        self,
        generator: nn.Module,
        directions: dict[str, Tensor],
        latent: int,
        seed: int,
        bank: tuple[Tensor, Tensor, Model] | None,
    ):
        self.generator, self.directions, self.bank = generator, directions, bank
        self._draws = torch.Generator().manual_seed(seed)
        self.anchors = torch.randn(2, latent, generator=self._draws)
        self.sliders = [
            ipywidgets.FloatSlider(value=0, min=-3, max=3, step=0.1, description=name, readout_format=".1f", **LATE)
            for name in directions
        ]
        self.position = ipywidgets.FloatSlider(value=0, min=0, max=1, step=0.05, description="A to B: t", **LATE)
        self.walk = ipywidgets.Dropdown(options=[(way, walk) for walk, way in WALKS.items()], description="walk")
        self.renew = ipywidgets.Button(description="new latents")
        self.renew.on_click(self._renew)
        wrapped = ipywidgets.Layout(flex_flow="row wrap")
        rows = [
            ipywidgets.Box([self.position, self.walk, self.renew], layout=wrapped),
            ipywidgets.Box(self.sliders, layout=wrapped),
        ]
        super().__init__(rows, (self.position, self.walk, *self.sliders), "advcourse-latents")

    def _renew(self, button: object) -> None:
        self.anchors = torch.randn(self.anchors.shape, generator=self._draws)
        self.update()

    def draw(self) -> tuple[Figure, str]:
        added = [slider.value * direction for slider, direction in zip(self.sliders, self._all(), strict=True)]
        way = walk_latents(self.anchors[0], self.anchors[1], self.position.value, walk=self.walk.value)
        self.latent = way + sum(added, torch.zeros_like(way))
        image = _images(self.generator, self.latent[None])[0]
        length, usual = self.latent.norm().item(), len(self.latent) ** 0.5
        text = f"‖z‖ = {length:.2f} (√d = {usual:.2f})"
        if self.bank is None:
            return draw_latent(image, titles=["made"]), text
        images, rows, extractor = self.bank
        found = nearest_neighbours(features(extractor, image[None].to(images)).to(rows), rows)
        number, far = int(found.indices[0, 0]), found.distances[0, 0].item()
        figure = draw_latent(image, nearest=images[number], titles=["made", f"nearest: training image {number}"])
        return figure, f"{text}; training image {number} is nearest, {far:.3g} away among the features"

    def _all(self) -> list[Tensor]:
        return list(self.directions.values())


def explore_latents(
    generator: nn.Module,
    *,
    latent: int | None = None,
    directions: Tensor | Sequence[int] | None = None,
    names: Sequence[str] = (),
    images: Tensor | None = None,
    bank: Tensor | None = None,
    extractor: Model | None = None,
    seed: int = 0,
) -> LatentExplorer:
    """Move through the latents of a generator: between two of them, and along directions; see what is made.

    Shown is ``G(z(t) + Σ sᵢ dᵢ)``: z(t) on the way from latent A to latent B, at first ``gan.slerp``, sᵢ the sliders.

    Args:
        generator: G, maps latents to images ``(N, C, H, W)`` in [0, 1].
        latent: length of z; ``generator.latent`` where not given.
        directions: numbers of coordinates of z, or directions ``(K, latent)``, as they are; a slider each, from -3 to
            3 times the direction. The first four coordinates where not given.
        names: of the directions; ``z[0]``, … or ``d[0]``, … where not given.
        images, bank, extractor: together or not at all: training images ``(M, C, H, W)`` in [0, 1], their features
            ``(M, D)`` and what made those, as ``gan.metrics.Penultimate(classifier)``. The training image whose
            features are nearest is shown beside.
        seed: of the two latents, and of those that the button draws.

    Returns:
        A widget of CSS class ``advcourse-latents``. An error in a callback is shown in it.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_count(at_least=0, seed=seed)
    check_count(optional=True, latent=latent)
    size = getattr(generator, "latent", None) if latent is None else latent
    if not isinstance(size, int):
        raise ValueError("latent is None, expected the length of what the generator takes: it has no attribute latent")
    named = _named(range(min(4, size)) if directions is None else directions, names, size)
    _images(generator, torch.zeros(1, size))
    return LatentExplorer(generator, named, size, int(seed), _bank(images, bank, extractor))


def _named(directions: Tensor | Sequence[int], names: Sequence[str], latent: int) -> dict[str, Tensor]:
    letter = "d" if isinstance(directions, Tensor) else "z"
    if isinstance(directions, Tensor):
        if directions.dim() != 2 or directions.shape[1] != latent or not directions.isfinite().all():
            shape = tuple(directions.shape)
            raise ValueError(f"directions has shape {shape}, expected finite directions (K, {latent})")
        numbers, rows = list(range(len(directions))), directions.detach().cpu().float()
    else:
        numbers = list(directions)
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < latent:
                raise ValueError(f"directions holds {number!r}, expected numbers of coordinates from 0 to {latent - 1}")
        rows = torch.eye(latent)[numbers]
    if names and len(names) != len(numbers):
        raise ValueError(f"names holds {len(names)}, expected {len(numbers)}: one for each direction")
    named = dict(zip(names or [f"{letter}[{number}]" for number in numbers], rows, strict=True))
    if len(named) != len(numbers):
        raise ValueError(f"names or directions name one twice, expected {len(numbers)} different ones")
    return named


def _bank(images: Tensor | None, bank: Tensor | None, extractor: Model | None) -> tuple[Tensor, Tensor, Model] | None:
    given = {"images": images, "bank": bank, "extractor": extractor}
    missing = [name for name, value in given.items() if value is None]
    if images is None or bank is None or extractor is None:
        if len(missing) < len(given):
            raise ValueError(f"{missing[0]} is None, expected images, bank and extractor together")
        return None
    check_images(images)
    if not isinstance(bank, Tensor) or bank.dim() != 2 or len(bank) != len(images):
        came = tuple(bank.shape) if isinstance(bank, Tensor) else type(bank).__name__
        raise ValueError(f"bank is {came}, expected features ({len(images)}, D): a row for each of images")
    width = features(extractor, images[:1]).shape[1]
    if bank.shape[1] != width:
        raise ValueError(f"bank has shape {tuple(bank.shape)}, expected (M, {width}): what the extractor makes")
    return images, bank, extractor


def _images(generator: nn.Module, latents: Tensor) -> Tensor:
    """What is made of them, which must be images."""
    made = generate(generator, latents)
    if made.dim() != 4 or made.shape[1] not in (1, 3):
        shape = tuple(made.shape)
        raise ValueError(f"generator makes shape {shape}, expected images (N, 1 or 3, H, W) in [0, 1]")
    return made.clamp(0, 1)
