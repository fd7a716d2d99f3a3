"""Checks of an attack with estimated gradients under a budget: query by query, and step by step.

Every image is retraced by itself, from the points that were asked about for it: a look at an iterate, the n points of
an estimate around it, a look at the next, and so on.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.core.losses import margin
from advcourse.core.running import Model
from advcourse.grading.checks import SLACK, close, fail, in_ball, in_box, no_graph, tensor
from advcourse.grading.queries import Watched, call, same


def climbs(
    function: Callable,
    oracle: Watched,
    images: Tensor,
    labels: Tensor,
    eps: float,
    step_size: float,
    samples: int,
    sigma: float,
    momentum: float,
    *,
    path: bool = True,
) -> Tensor:
    """An attack looks, estimates, steps, looks, …, image by image, and pays for whole steps alone; returns its images.

    Args:
        path: whether where it steps to and what it returns are checked too, beside what it asks.
    """
    name = function.__name__
    left = oracle.left(torch.arange(len(images))).tolist()
    generator = torch.Generator().manual_seed(4)
    settings = (eps, step_size, samples, sigma, momentum, generator)
    raw = call(oracle, function, images, labels, *settings, traces=False)
    result = tensor(raw, name, shape=images.shape, dtype=images.dtype) if path else images
    if path:
        in_box(result, name)
        in_ball(result, images, eps, name)
    for n in range(len(images)):
        looks, values = _looks(oracle, images, labels, n, left[n], samples, sigma, name)
        if path:
            _fresh(oracle.asked(n)[0], looks, samples, n, name)
            _steps(oracle, images, n, looks, values, eps, step_size, samples, sigma, momentum, name)
        shown = oracle.asked(n)[0][looks] if looks else images[n][None]
        if not path:
            continue
        best = int(values[looks].argmax()) if looks else 0
        if same(result[n], shown[best]) or (looks and _best_too(result[n], shown, values[looks], best)):
            continue
        told = f"{name}: image {n} should come back as "
        told += "it was" if best == 0 else f"x_{best}, of the largest ℓ of the {len(shown)} that were looked at"
        if same(result[n], shown[-1]):
            fail(
                f"{told}, not as the last of them, whose ℓ is {values[looks[-1]]:.4g} against {values[looks[best]]:.4g}"
            )
        fail(f"{told}: it is {'the original' if same(result[n], images[n]) else 'another image'}")
    return result


def no_trace(
    function: Callable,
    model: Model,
    budget: int,
    images: Tensor,
    labels: Tensor,
    eps: float,
    samples: int,
    sigma: float,
) -> Tensor:
    """Nothing that the caller has is changed or handed back, the generator alone decides, and no graph is kept."""
    name = function.__name__
    results = []
    for _ in range(2):
        generator = torch.Generator().manual_seed(6)
        oracle = Watched(model, budget=budget)
        raw = call(oracle, function, images, labels, eps, eps / 2, samples, sigma, 0.9, generator)
        results.append(tensor(raw, name, shape=images.shape, dtype=images.dtype))
        no_graph(raw, name)
    close(results[1], results[0], f"{name}: two generators in the same state should give the same images")
    given, oracle = images.clone(), Watched(model, budget=budget)
    raw = function(oracle, given, labels.clone(), eps, eps / 2, samples, sigma, 0.9, torch.Generator().manual_seed(6))
    raw.add_(1)
    if not torch.equal(given, images):
        fail(f"{name} returned the caller's own tensor: return a copy")
    return results[0]


def stays(
    function: Callable,
    oracle: Watched,
    images: Tensor,
    labels: Tensor,
    eps: float,
    samples: int,
    sigma: float,
    momentum: float,
) -> None:
    """Where all answers are the same every query is about the image itself, or a point σ away from it."""
    name, generator = function.__name__, torch.Generator().manual_seed(9)
    call(oracle, function, images, labels, eps, eps / 2, samples, sigma, momentum, generator, traces=False)
    for n in range(len(images)):
        points, _ = oracle.asked(n)
        if len(points) and (points - images[n]).abs().max() > sigma + SLACK:
            fail(
                f"{name}: image {n} moves though all answers are the same: where the estimate is zero nothing is added "
                "to μ v, and the sign of 0 is 0"
            )


def goes_on_after_zero(
    function: Callable,
    model: Model,
    budget: int,
    images: Tensor,
    labels: Tensor,
    eps: float,
    samples: int,
    sigma: float,
) -> None:
    """An estimate of length zero adds nothing, and the next that has a length moves the image."""
    name, oracle, generator = function.__name__, Watched(model, budget=budget), torch.Generator().manual_seed(7)
    call(oracle, function, images, labels, eps, eps / 2, samples, sigma, 0.9, generator, traces=False)
    for n in range(len(images)):
        points, answers = oracle.asked(n)
        if not len(points):
            continue
        values, far = margin(answers, labels[n].expand(len(points))), (points - images[n]).abs().max()
        if values[0] <= 0 and far <= sigma * (1 + 1e-6) and not (values[-1] > 0) and (values != values[0]).any():
            fail(
                f"{name}: image {n} has not moved in {len(points)} queries though the answers differed: is an estimate "
                "of zero divided by its length, 0? Add nothing then. (Or are queries billed to another image?)"
            )


def coasts(
    function: Callable,
    oracle: Watched,
    images: Tensor,
    labels: Tensor,
    eps: float,
    step_size: float,
    samples: int,
    sigma: float,
) -> None:
    """After a step, and inside the ball, an image moves on where all answers of an estimate are the same."""
    name, generator = function.__name__, torch.Generator().manual_seed(8)
    call(oracle, function, images, labels, eps, step_size, samples, sigma, 0.9, generator, traces=False)
    for n in range(len(images)):
        points, answers = oracle.asked(n)
        values, looks = margin(answers, labels[n].expand(len(points))), points[:: samples + 1]
        for k in range(1, len(looks) - 1):
            asked = values[k * (samples + 1) + 1 : (k + 1) * (samples + 1)]
            free = (looks[k] - images[n]).abs().max() < eps - step_size - SLACK
            if free and (asked == asked[0]).all() and not same(looks[k], looks[k - 1]) and same(looks[k + 1], looks[k]):
                fail(
                    f"{name}: x_{k + 1} should still move along μ v_{k} where the estimate is zero; x_{k} of image {n} "
                    "stays where it is"
                )


def _looks(
    oracle: Watched, images: Tensor, labels: Tensor, n: int, left: int, samples: int, sigma: float, name: str
) -> tuple[list[int], Tensor]:
    """Which of the queries of image n look at an iterate, and ℓ of all of them."""
    points, answers = oracle.asked(n)
    if not len(points):
        if left:
            fail(f"{name}: image {n} was never asked about, though it has {left} queries left")
        return [], torch.zeros(0)
    values = margin(answers.double(), labels[n].expand(len(points)))
    if not same(points[0], images[n]):
        fail(f"{name}: the first query of image {n} should be about the image as it is{_whose(points[0], images, n)}")
    looks = [0]
    while True:
        at = looks[-1]
        rest, still = len(points) - at - 1, left - at - 1
        if values[at] > 0:
            if rest:
                fail(f"{name}: image {n} was fooled at its query {at + 1}, and {rest} more were asked for it")
            return looks, values
        if still < samples + 1:
            if rest:
                fail(
                    f"{name}: image {n} had {still} queries left, too few for a step of {samples} + 1, and {rest} of "
                    "them were spent"
                )
            return looks, values
        if not rest:
            fail(
                f"{name}: image {n} was given up after {at + 1} queries, not fooled, with {still} left: a step costs "
                f"{samples} + 1. Is every image judged by itself?"
            )
        moves = (points[at + 1 : at + 1 + samples] - points[at]).abs() / sigma
        off = ((moves - 1).abs().flatten(1).amax(1) > 1e-3).nonzero()
        if len(off):
            place = at + 2 + int(off[0, 0])
            fail(
                f"{name}: query {place} of image {n} should be one of the {samples} at x_{len(looks) - 1} ± σu of the "
                f"estimate{_whose(points[place - 1], images, n)}"
            )
        if rest <= samples:
            fail(f"{name}: image {n} had {rest} queries after its x_{len(looks) - 1}, expected {samples} and a look")
        looks.append(at + 1 + samples)


def _steps(
    oracle: Watched,
    images: Tensor,
    n: int,
    looks: list[int],
    values: Tensor,
    eps: float,
    step_size: float,
    samples: int,
    sigma: float,
    momentum: float,
    name: str,
) -> None:
    """Each iterate looked at follows from the one before by the momentum's sign, cut to the ball and the box."""
    points = oracle.asked(n)[0].double()
    clean, rounding = images[n].double(), 1e-7 if images.dtype == torch.float64 else 1e-3
    plan = {
        "": lambda v, g, unit: momentum * v + unit,
        "there is no momentum: v_k = μ v_{k-1} + ĝ_k / ‖ĝ_k‖₂": lambda v, g, unit: unit,
        "the estimate is added as it is, expected its unit vector ĝ/‖ĝ‖₂": lambda v, g, unit: momentum * v + g,
        "the estimate is divided by its ‖ ‖₁, expected ‖ ‖₂": lambda v, g, unit: (
            momentum * v + (g / g.abs().sum()).nan_to_num(0.0)
        ),
        "the estimate's sign is added, expected its unit vector": lambda v, g, unit: momentum * v + g.sign(),
        "v is normalised too, expected the estimate alone": lambda v, g, unit: _unit(momentum * v + unit),
        "that is μ v + (1 - μ) ĝ: of the estimate only the unit vector counts": (
            lambda v, g, unit: momentum * v + (1 - momentum) * g
        ),
        "the score falls: the step goes against the estimate": lambda v, g, unit: momentum * v - unit,
    }
    zero = 1e-12 if images.dtype == torch.float64 else 1e-5  # what x + σu - x is off by rounding, relative to σ
    velocity = {word: torch.zeros_like(clean) for word in plan}
    fits, told = dict.fromkeys(plan, True), ""

    def cut(moved: Tensor) -> Tensor:
        return (clean + (moved - clean).clamp(-eps, eps)).clamp(0, 1)

    for k, (at, then) in enumerate(zip(looks, looks[1:], strict=False)):
        x, seen, asked = points[at], points[then], points[at + 1 : then]
        g = ((asked - x) * values[at + 1 : then].view(-1, 1, 1, 1)).sum(0) / (samples * sigma**2)
        if g.abs().max() < zero / sigma * values[at + 1 : then].abs().max():
            g = torch.zeros_like(g)
        for word, rule in plan.items():
            v = velocity[word] = rule(velocity[word], g, _unit(g)).nan_to_num(0.0)
            sure = (v.abs() > rounding * v.abs().max()) | (v == 0)
            fits[word] &= same(seen[sure], cut(x + step_size * v.sign())[sure])
        if fits[""] or told:
            continue
        v = velocity[""]
        sure = (v.abs() > rounding * v.abs().max()) | (v == 0)
        moved = x + step_size * v.sign()
        others = {
            "it left the ball of ε: project after the step": moved.clamp(0, 1),
            "it left the box [0, 1]: clamp after the step": clean + (moved - clean).clamp(-eps, eps),
            "it is neither cut to the ball nor to the box": moved,
            "it moves along v, expected along its sign": cut(x + step_size * v),
            "the steps begin at the original image again": cut(clean + step_size * v.sign()),
            "is the loss ℓ = max_{j≠y} z_j - z_y? It did not move": x,
        }
        if not g.any() and v.any():
            others = {f"x_{k + 1} should still move along μ v_{k} where the estimate is zero": x} | others
        off = int((seen - cut(moved)).abs().gt(SLACK)[sure].sum())
        others = {word: other for word, other in others.items() if same(seen[sure], other[sure])}
        reason = next(
            iter(others),
            f"it moves by up to {(seen - x).abs().max():.4g}, and {off} pixels are not where x + α sign(v), cut to the "
            "ball and the box, has them. Is ℓ = max_{j≠y} z_j - z_y of its own label?",
        )
        told = f"{name}: x_{k + 1} of image {n} does not follow from x_{k}: "
    if told:
        fail(told + next((word for word, fit in fits.items() if fit), reason))


def _fresh(points: Tensor, looks: list[int], samples: int, n: int, name: str) -> None:
    """Every estimate of an image has directions of its own, where chance does not repeat them."""
    if not looks or samples // 2 * points[0].numel() < 40:
        return
    seen: dict[bytes, int] = {}
    for k, at in enumerate(looks[:-1]):
        drawn = (points[at + 1 : at + 1 + samples] > points[at]).numpy().tobytes()
        if drawn in seen:
            fail(
                f"{name}: the estimates at x_{seen[drawn]} and x_{k} of image {n} have the same directions: the "
                "generator is not to be seeded again, nor replaced, between steps"
            )
        seen[drawn] = k


def _unit(g: Tensor) -> Tensor:
    length = g.norm()
    return g / length if length > 0 else torch.zeros_like(g)


def _best_too(result: Tensor, shown: Tensor, values: Tensor, best: int) -> bool:
    """Another iterate that is as good, but for rounding."""
    good = (values >= values[best] - 1e-9 * (1 + values[best].abs())).nonzero()[:, 0].tolist()
    return any(same(result, shown[k]) for k in good)


def _whose(point: Tensor, images: Tensor, n: int) -> str:
    """Where a point is about another image, says so."""
    nearest = int((images - point).flatten(1).norm(dim=1).argmin())
    if nearest == n:
        return ""
    return (
        f". It lies near image {nearest}: queries are billed to the number of the image in the batch, also when others "
        "have left"
    )
