"""Checks of gradients that stand in for others: a staircase's, and those of an attack that another model judges.

An attack is retraced from the images that its two models were shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.grading.checks import close, fail, in_ball, in_box, leaves_no_trace, no_graph, tensor, values

# -- a staircase with the slope of another


def stairs(function: type, images: Tensor, bits: int, a: float) -> None:
    """An autograd function: exact levels forward, the slope of the smooth staircase backward."""
    name = f"Staircase.apply(…, {bits}, {a:g})"
    if not (isinstance(function, type) and issubclass(function, torch.autograd.Function)):
        fail("Staircase is to be a torch.autograd.Function")
    steps = 2**bits - 1
    x, other = images.clone().requires_grad_(), images.clone().requires_grad_()
    result = function.apply(x, bits, a)
    between = function.apply(other, 8 if bits == 1 else 1, 0.25)  # another one is under way
    u = images.double() * steps
    levels, rounding = u.round() / steps, 1e-6 if images.dtype == torch.float32 else 1e-12
    kept = tensor(result, name, shape=images.shape, dtype=images.dtype).double()
    if not torch.equal(x.detach(), images):
        fail(f"{name} overwrote its input: work on a copy")
    smooth = (u - a / (2 * math.pi) * torch.sin(2 * math.pi * u)) / steps
    mistakes = {
        f"there are 2^{bits} + 1 levels: black, white and {2**bits - 2} between them leave 2^{bits} - 1 steps": (
            (images.double() * 2**bits).round() / 2**bits
        ),
        "pixels are rounded down, expected to the nearest level": u.floor() / steps,
        "that is the smooth staircase: forward the levels are exact": smooth,
        "levels are not divided by 2^b - 1": u.round(),
        "there are b levels, expected 2^b": (images.double() * max(bits - 1, 1)).round() / max(bits - 1, 1),
        "each pixel is brought to the middle of one of 2^b intervals: black should stay black": (
            ((images.double() * 2**bits).floor().clamp(max=2**bits - 1) + 0.5) / 2**bits
        ),
        "white should stay white": (images.double() * 2**bits).floor().clamp(max=2**bits - 1) / 2**bits,
        "the image comes back as it was": images.double(),
    }
    values(kept, levels, name, mistakes, rtol=0, atol=rounding)
    if not (isinstance(result, Tensor) and result.requires_grad):
        fail(f"{name} has no graph: `backward` is never called. Is it reached through apply?")
    upstream = torch.cos(torch.arange(images.numel(), dtype=images.dtype)).view(images.shape) + 0.3
    handed = upstream.clone()
    (slope,) = torch.autograd.grad(result, x, handed)
    if not torch.equal(handed.detach(), upstream) or handed.requires_grad:
        fail(f"{name}: backward changed the gradient that comes from above: work on a copy")
    torch.autograd.grad(between, other, upstream.clone())
    slope = tensor(slope, f"the gradient through {name}", shape=images.shape, dtype=images.dtype).double()
    above = upstream.double()
    cosine, sine = torch.cos(2 * math.pi * u), torch.sin(2 * math.pi * u)
    right = above * (1 - a * cosine)
    last = images.double() * (255 if bits == 1 else 1)
    wrong_slopes = {
        "the sign: it is flat at the levels and steep between them": above * (1 + a * cosine),
        "that is the smooth staircase itself, not its slope": above * smooth,
        "that is the slope alone: multiply it with the gradient that comes from above": 1 - a * cosine,
        "it is too large by 2^b - 1: the inner factor and the divisor cancel": right * steps,
        "it is too small by 2^b - 1: sin(2πu) has an inner derivative too": right / steps,
        "sin(2πu) has an inner derivative, 2π": above * (1 - a / (2 * math.pi) * cosine),
        "the derivative of a sine is a cosine": above * (1 - a * sine),
        "u counts levels: multiply x by 2^b - 1": above * (1 - a * torch.cos(2 * math.pi * images.double())),
        "that is the identity's, whatever a is": above,
        "it is zero, that of rounding": torch.zeros_like(above),
        "u is that of the rounded image: keep x, not the levels": above * (1 - a * torch.ones_like(above)),
        "2^b in place of 2^b - 1": above * (1 - a * torch.cos(2 * math.pi * 2**bits * images.double())),
        "a is taken off twice": above * (1 - 2 * a * cosine),
        "it has the settings of the call before it or after it: keep what backward needs in ctx": (
            above * (1 - 0.25 * torch.cos(2 * math.pi * last))
        ),
        "it has the settings of another call: keep what backward needs in ctx": above
        * (1 - a * torch.cos(2 * math.pi * last)),
        "it has the a of another call: keep what backward needs in ctx": above * (1 - 0.25 * cosine),
    }
    scale = 2e-4 * steps if images.dtype == torch.float32 else 1e-9
    values(slope, right, f"the gradient through {name}", wrong_slopes, rtol=0, atol=scale)
    if other.grad is not None or x.grad is not None:
        fail(f"{name} fills .grad: backward returns the gradient")
    with torch.no_grad():
        plain = images.clone()
        again = function.apply(plain, bits, a).double()
        close(again, kept, f"{name} gives something else where no gradient is kept")
        if plain.requires_grad:
            fail(f"{name} left requires_grad set on the caller's images: leave them as they are")


# -- an attack that climbs one model and is judged by another


class Shown(nn.Module):
    """A model that keeps what it is shown, and in which modes its parts are.

    Args:
        model: maps images to logits.
        graph: False cuts the answers off, as a defense without a gradient does.
    """

    def __init__(self, model: nn.Module, *, graph: bool = True):
        super().__init__()
        self.model, self.graph = model, graph
        self.points: list[Tensor] = []
        self.training = model.training
        self.modes = [self._mode()]

    def _mode(self) -> list[bool]:
        return [module.training for module in self.modules()]

    def switched(self) -> bool:
        """Whether it, or a part of it, is or was run in another mode than it came in."""
        return any(mode != self.modes[0] for mode in [*self.modes, self._mode()])

    def forward(self, images: Tensor) -> Tensor:
        self.points.append(images.detach().clone())
        self.modes.append(self._mode())
        logits = self.model(images if self.graph else images.detach())
        return cast(Tensor, logits if self.graph else logits.detach())


class Listed(nn.Module):
    """Logits from a table, by the nearest tenth of the first pixel; without a gradient.

    Args:
        logits: 11 rows of K logits, for 0, 0.1, …, 1.
    """

    def __init__(self, logits: Sequence[Sequence[float]], dtype: torch.dtype = torch.float64):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits, dtype=dtype))

    def forward(self, images: Tensor) -> Tensor:
        return self.logits[(10 * images.flatten(1)[:, 0]).round().long().clamp(0, 10)].detach()


@dataclass
class Tried:
    """What an attack returned, and of every image the iterates ``(steps + 1, C, H, W)`` as they were judged."""

    images: Tensor
    curve: Tensor
    iterates: list[Tensor]
    climbed: list[Tensor]


def tried(
    function: Callable, defended: nn.Module, stand_in: nn.Module, images: Tensor, labels: Tensor, *settings: float
) -> Tried:
    """Runs ``function(defended, stand_in, images, labels, eps, step_size, steps)``; sorts what it showed to whom."""
    name, steps = function.__name__, int(settings[2])
    judge, climb = Shown(defended, graph=False), Shown(stand_in)
    given, own = images.clone(), labels.clone()
    both = nn.ModuleList([judge, climb])
    switched = False, False
    modes = [(module, module.training) for module in both.modules()]
    try:
        with leaves_no_trace(name, both, given, own):
            result = function(judge, climb, given, own, *settings)
            switched = judge.switched(), climb.switched()  # said below, with the model's name
            for module, training in modes:
                module.training = training
    except RuntimeError as error:
        if "does not require grad" not in str(error) and "not have been used in the graph" not in str(error):
            raise
        fail(f"{name} asks for a gradient through `defended`, which has none: the gradient is that of `stand_in`")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        fail(f"{name} should return two tensors: the images and the curve")
    found = tensor(result[0], f"{name} (images)", shape=images.shape, dtype=images.dtype)
    curve = result[1]
    if type(curve) in (list, tuple) and all(type(c) in (int, float) for c in curve):
        curve = torch.tensor(curve, dtype=images.dtype)
    curve = tensor(
        curve, f"{name} (curve)", shape=(steps + 1,), dtype=getattr(curve, "dtype", images.dtype), images=False
    )
    for back in result:
        if isinstance(back, Tensor):
            no_graph(back, name)
            if back.untyped_storage().data_ptr() in (
                given.untyped_storage().data_ptr(),
                own.untyped_storage().data_ptr(),
            ):
                fail(f"{name} returned the caller's own tensor: return a copy")
    for other, word in zip(switched, ("defended", "stand_in"), strict=True):
        if other:
            fail(f"{name} ran `{word}` in another mode than the one it was in, train or eval: leave its mode alone")
    return Tried(found, curve.double(), _by_image(judge, images), _by_image(climb, images))


def _by_image(shown: Shown, images: Tensor) -> list[Tensor]:
    """What was shown of each image, in order; a point belongs to the image that is nearest."""
    if not shown.points:
        return [images[:0] for _ in images]
    points = torch.cat([p.view(-1, *images.shape[1:]) for p in shown.points])
    owner = torch.cdist(points.double().flatten(1), images.double().flatten(1), p=math.inf).argmin(1)
    return [points[owner == n] for n in range(len(images))]


def climbs_by(
    function: Callable,
    defended: nn.Module,
    stand_in: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: float,
    step_size: float,
    steps: int,
    unread: Tensor | None = None,
) -> None:
    """Every iterate is the one before it plus a signed step of the stand-in's gradient, in the ball and the box.

    Args:
        unread: bool ``(C, H, W)``, pixels on which the stand-in does not depend; none if it is not given.
    """
    name = function.__name__
    made = tried(function, defended, stand_in, images, labels, eps, step_size, steps)
    _counted(made, images, steps, name)
    in_box(made.images, name)
    in_ball(made.images, images, eps, name)
    for n, shown in enumerate(made.iterates):
        in_ball(shown, images[n].expand_as(shown), eps, f"{name}, an image shown to `defended`")
        if shown.min() < 0 or shown.max() > 1:
            fail(f"{name}: `defended` is shown pixels outside [0, 1]: clamp after every step")
        if unread is not None and (shown - images[n])[:, unread].any():
            fail(f"{name} moves pixels where the gradient is 0: the sign of 0 is 0")
        for k in range(steps):
            slope = _slope(stand_in, shown[k][None], labels[n][None])[0]
            expected = (shown[k] + step_size * slope.sign()).clamp(images[n] - eps, images[n] + eps).clamp(0, 1)
            sure = slope.abs() > 1e-6 * slope.abs().max()
            if (shown[k + 1] - expected).abs()[sure].max() < 2e-6 if sure.any() else True:
                continue
            other = (shown[k] - step_size * slope.sign()).clamp(images[n] - eps, images[n] + eps).clamp(0, 1)
            if (shown[k + 1] - other).abs()[sure].max() < 2e-6:
                fail(f"{name} walks downhill: the loss is to rise")
            if torch.equal(shown[k + 1], shown[k]) and slope.any():
                fail(f"{name}: image {n} stops at x_{k}: every image makes all {steps} steps, each from the one before")
            odd = _slope(lambda x: stand_in(x).softmax(1), shown[k][None], labels[n][None])[0]
            other = (shown[k] + step_size * odd.sign()).clamp(images[n] - eps, images[n] + eps).clamp(0, 1)
            if (shown[k + 1] - other).abs()[odd.abs() > 1e-6 * odd.abs().max()].max() < 2e-6:
                fail(f"{name}: the cross-entropy takes logits: there is a softmax too many in front of it")
            moved = (shown[k + 1] - shown[k]).abs()
            if moved.max() > step_size + 2e-6:
                fail(f"{name}: a step moves a pixel by {moved.max():.4g}, expected at most α = {step_size:g}")
            fail(
                f"{name}: x_{k + 1} of image {n} is not x_{k} plus α times the sign of the gradient of the "
                "cross-entropy of `stand_in`, cut to the ball around the image and to [0, 1]"
            )


def keeps_best(
    function: Callable,
    defended: nn.Module,
    stand_in: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: float,
    step_size: float,
    steps: int,
) -> tuple[Tensor, Tensor]:
    """Of the iterates the strongest comes back, judged by the defended model; and the curve is that of the best."""
    name = function.__name__
    made = tried(function, defended, stand_in, images, labels, eps, step_size, steps)
    _counted(made, images, steps, name)
    hit = torch.zeros(steps + 1, len(images), dtype=torch.bool)
    for n, shown in enumerate(made.iterates):
        with torch.no_grad():
            logits, others = (m(shown) for m in (defended, stand_in))
        label = labels[n].expand(len(shown))
        loss, fooled = F.cross_entropy(logits.double(), label, reduction="none"), logits.argmax(1) != label
        hit[:, n] = fooled
        order = loss + 1e6 * fooled
        best = int(order.argmax())
        same = [k for k in range(len(shown)) if torch.allclose(shown[k], made.images[n], rtol=0, atol=1e-7)]
        if any(order[k] >= order[best] - 1e-6 for k in same):
            continue
        hits, climbed = fooled.nonzero()[:, 0].tolist() or [-1], others.argmax(1) != label
        climbs = F.cross_entropy(others.double(), label, reduction="none")
        why = {  # where two agree, the later one names the mistake
            0: "not as it was",
            int(climbs.argmax()): "it is judged by `defended`, not by `stand_in`",
            int((climbs + 1e6 * climbed).argmax()): "it is judged by `defended`, not by `stand_in`",
            hits[-1]: "not as the last that fools",
            hits[0]: "not as the first that fools",
            int(loss.argmax()): "fooled comes first, then the higher loss",
            len(shown) - 1: "not as the last",
        }
        word = next((why[k] for k in same if k in why), "it is none of those of the highest loss")
        fail(f"{name}: image {n} should come back as x_{best} of {steps + 1}: {word}")
    right = hit.cummax(0).values.double().mean(1) if len(hit) else hit.double()
    wrong: dict[str, Tensor | list] = {
        "it counts who is fooled now: an image that was fooled before stays fooled": hit.double().mean(1),
        "it is a count, expected a share": len(images) * right,
        "it is the share that is not fooled": 1 - right,
        "it begins after the first step: its first number is that of the images themselves": torch.cat(
            [right[1:], right[-1:]]
        ),
    }
    values(made.curve, right, f"{name}, the curve", wrong, rtol=1e-5)
    return made.images, made.curve


def _counted(made: Tried, images: Tensor, steps: int, name: str) -> None:
    for n, shown in enumerate(made.iterates):
        if len(shown) != steps + 1:
            fail(
                f"{name} showed `defended` {len(shown)} images for image {n}, expected x_0 to x_{steps}, each once: "
                "the last one is judged too"
            )
        if not torch.equal(shown[0], images[n]):
            fail(f"{name}: the first image that `defended` is shown should be the image itself")
        for point in made.climbed[n]:
            if not any(torch.equal(point, each) for each in shown):
                fail(f"{name}: `stand_in` is shown something else than x_0, x_1, …: its gradient is to be that at x_k")


def _slope(model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
    x = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)[0]


# -- whether a curve has come to its end


def stops(function: Callable, curve: Sequence[float], last: int, tolerance: float, expected: bool, why: str) -> None:
    """A decision, for a curve as a tensor; nothing else will do."""
    name, given = function.__name__, torch.tensor(curve, dtype=torch.float64)
    try:
        result = function(given, last, tolerance)
    except ZeroDivisionError:
        fail(f"{name} divides by zero for the curve {curve}: {why}")
    if (type(result) is Tensor and result.numel() == 1 and result.dtype == torch.bool) or isinstance(result, np.bool_):
        result = bool(result)
    if type(result) is not bool:
        fail(f"{name} returned {result!r}; expected True or False")
    if given.tolist() != torch.tensor(curve, dtype=torch.float64).tolist():
        fail(f"{name} overwrote the curve that it was given")
    if result is not expected:
        told = ", ".join(f"{c:g}" for c in curve)
        fail(f"{name}: the curve {told} with L = {last}, τ = {tolerance:g} should give {expected}: {why}")
