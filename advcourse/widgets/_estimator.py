"""The estimator: a gradient estimated from scores beside the true one, and what the rest of a budget makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import plots
from advcourse.blackbox import Oracle, nes, nes_gradient
from advcourse.core.losses import input_gradient, log_odds
from advcourse.core.running import evaluating, predict
from advcourse.core.validation import check_inputs
from advcourse.widgets._explorer import LATE, Explorer, choose_image

ESTIMATES = {"antithetic pairs": True, "plain": False}
BUDGET_CHOICES = (50, 100, 200, 500, 1000, 2000)
SAMPLE_COUNTS = (2, 6, 10, 20, 50, 100, 200, 500)


def draw_estimator(
    model: nn.Module,
    image: Tensor,
    label: int,
    gradients: tuple[Tensor, Tensor],
    adversarial: Tensor,
    classes: Sequence[str],
    title: str = "",
) -> Figure:
    """The image, its true gradient, the estimate, what the attack made of the image, and the top-5 of both.

    Args:
        model: maps images to logits.
        image, adversarial: ``(C, H, W)`` in [0, 1].
        label: the true class; its bar is blue and hatched.
        gradients: the true one and the estimate, ``(C, H, W)``; each is drawn around grey at its own scale.
        classes: names of the classes.
        title: above the whole.
    """
    before, after = predict(model, torch.stack([image, adversarial])).softmax(1)
    shown = (
        (image, f"image: {classes[label]}"),
        (_around_grey(gradients[0]), "true gradient"),
        (_around_grey(gradients[1]), "estimate"),
        (adversarial, f"after the attack: {classes[after.argmax().item()]}"),
    )
    with plots.style():
        figure = Figure(figsize=(8.2, 4.6))
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(3, 2)).flat
        for ax, (picture, heading) in zip(above.subplots(1, 4), shown, strict=True):
            plots.draw_image(ax, picture, heading)
        bars = ((before, "top 5, image"), (after, "top 5, after the attack"))
        for ax, (probabilities, heading) in zip(below.subplots(1, 2), bars, strict=True):
            plots.top5(ax, probabilities, classes, label).set_title(heading, fontsize=9)
        above.suptitle(title, fontsize=10)
    return figure


def _around_grey(gradient: Tensor) -> Tensor:
    """Signed numbers as an image: zero is grey, and what is largest black or white."""
    largest = gradient.abs().quantile(0.995).clamp_min(torch.finfo(gradient.dtype).tiny)
    return (0.5 + gradient / (2 * largest)).clamp(0, 1)


class Estimator(Explorer):
    """What ``estimator`` returns: its controls, its picture and its line of text, as attributes."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, eps: float):
        check_inputs(model, images, labels)
        self.model, self.images, self.labels, self.classes, self.eps = model, images, labels, classes, eps
        self.image = choose_image(labels, classes)
        self.kind = ipywidgets.Dropdown(options=list(ESTIMATES), description="estimate")
        self.budget = ipywidgets.SelectionSlider(options=BUDGET_CHOICES, value=500, description="budget", **LATE)
        self.samples = ipywidgets.SelectionSlider(options=SAMPLE_COUNTS, value=50, description="samples n", **LATE)
        self.sigma = ipywidgets.FloatLogSlider(
            value=1e-3, min=-6, max=0, step=0.5, description="σ", readout_format=".1e", **LATE
        )
        unit = ipywidgets.Label("budget: queries in all; samples: queries of one estimate; σ: in pixel units of [0, 1]")
        rows = [
            ipywidgets.HBox([self.image, self.kind]),
            ipywidgets.HBox([self.budget, self.samples, self.sigma]),
            unit,
        ]
        controls = (self.image, self.kind, self.budget, self.samples, self.sigma)
        super().__init__(rows, controls, "advcourse-estimator")

    def draw(self) -> tuple[Figure, str]:
        place = slice(self.image.value, self.image.value + 1)
        image, label = self.images[place], self.labels[place]
        n, budget, antithetic = self.samples.value, self.budget.value, ESTIMATES[self.kind.value]
        x = image.clone().requires_grad_()
        with evaluating(self.model), torch.enable_grad():
            true = input_gradient(log_odds(self.model(x), label), x)
            estimate = nes_gradient(
                Oracle(self.model),
                image,
                label,
                samples=n,
                sigma=self.sigma.value,
                antithetic=antithetic,
                generator=torch.Generator(image.device).manual_seed(0),
            )
            oracle = Oracle(self.model, budget=budget)
            adversarial = nes(
                oracle, image, label, eps=self.eps, samples=n, sigma=self.sigma.value, antithetic=antithetic
            )
        cosine = F.cosine_similarity(true.flatten(), estimate.flatten(), dim=0).item()
        directions, size = (n // 2 if antithetic else n), image[0].numel()
        steps, used = max(0, (budget - 1) // (n + 1)), int(oracle.queries(torch.zeros(1, dtype=torch.int64))[0])
        fooled = predict(self.model, adversarial).argmax(1).item() != label.item()
        text = (
            f"cosine {cosine:.3f}; {directions} directions of {size} numbers would give "
            f"√(m/(m + d + 1)) = {(directions / (directions + size + 1)) ** 0.5:.3f} at best. "
            f"The budget pays {steps} step{'s' * (steps != 1)}: {'fooled' if fooled else 'not fooled'} "
            f"after {used} queries."
        )
        title = f"{self.kind.value}, n = {n}, σ = {self.sigma.value:.0e}; ε = {self.eps:g}, {budget} queries"
        gradients = (true[0], estimate[0])
        figure = draw_estimator(self.model, image[0], int(label), gradients, adversarial[0], self.classes, title)
        return figure, text


def estimator(
    model: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, eps: float = 0.2
) -> Estimator:
    """Choose an image, samples, σ and a budget; see the true gradient, the estimate, and what NES makes of the budget.

    Args:
        model: maps images to logits; on the images' device.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        classes: names of the classes.
        eps: radius of the attack's linf ball, in pixel units of [0, 1].

    Returns:
        A widget of CSS class ``advcourse-estimator``. An error in a callback is shown in it, in place of the
        measurements.

    Raises:
        ValueError: for bad images or labels.
    """
    return Estimator(model, images, labels, classes, eps=eps)
