"""Is robustness real? Signs that a model's gradient misleads attacks, each with its evidence."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.attacks import apgd, fab, fgsm, pgd, square
from advcourse.core.balls import NORMS, steepest
from advcourse.core.losses import input_gradient, log_odds
from advcourse.core.running import Model, answer, detached, evaluating, predict, predicted, untouched
from advcourse.core.streams import Streams
from advcourse.core.validation import check_above, check_choice, check_count, check_inputs, check_logits
from advcourse.evaluation._controls import random_direction, random_signs
from advcourse.evaluation._draws import clean_passes
from advcourse.evaluation._findings import Diagnosis, Finding
from advcourse.evaluation._promises import within
from advcourse.evaluation._sequence import drawn

TOLERATED = 0.02
"""Share of the images that an attack may miss and a weaker kind find, before it says something of the model."""
SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Radii of the curves, as shares of ε."""
NO_GRAPH = (
    "model returned logits without a graph to the images",  # of ``input_gradient``
    "Can't call numpy() on Tensor that requires grad",
    "Inference tensors cannot be saved for backward",
)
"""How errors begin that say of a model that no gradient leads through it: no other error is a missing graph."""


def diagnose(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    steps: int = 40,
    queries: int = 1000,
    draws: int = 100,
    seed: int = 0,
    batch_size: int | None = None,
) -> Diagnosis:
    """Look for a masked gradient: one that vanishes, misleads or is drowned in noise, so that attacks fail by it.

    The checks, each on the images that the model classifies correctly, are::

        no graph             no gradient leads from the answer to the image
        vanishing gradient   zero or not finite
        saturated logits     the cross-entropy's gradient is rounded away or turned, that of the log-odds is not
        misleading gradient  a small step along it changes the loss otherwise than it says (finite differences)
        probabilities        the answers are probabilities: a softmax has flattened what the gradient must climb
        randomness           two passes differ
        one step             fools what PGD does not
        random search        so do random points of the ball
        black box            so does the Square Attack
        closest              so does FAB, within ε
        unbounded            PGD and APGD with nothing to hold them back leave images unfooled

    where PGD is two runs, on the cross-entropy and on the margin, and a share of ``TOLERATED`` of the images (and at
    least two) is what chance may do.

    Args:
        model: maps images to logits ``(N, K)``; in eval mode, and then back in its own.
        images: ``(N, C, H, W)`` in [0, 1]; a hundred are enough.
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        steps: of PGD.
        queries: of the Square Attack, an image.
        draws: random points an image.
        seed: of all draws.
        batch_size: images shown at a time, 256 where it is not given.

    Returns:
        A ``Diagnosis``; printed, it is the table of the evidence and a verdict.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the signs are those of Athalye, Carlini & Wagner 2018, arXiv:1802.00420, section 3.1, and Carlini et al.
    2019, arXiv:1902.06705, section 4; the saturation of the cross-entropy: Croce & Hein 2020, arXiv:2003.01690.
    """
    check_inputs(model, images, labels)
    check_above(0, eps=eps)
    check_choice("norm", norm, NORMS)
    check_count(steps=steps, queries=queries, draws=draws)
    check_count(at_least=0, seed=seed)
    check_count(optional=True, batch_size=batch_size)
    images, size = detached(images), int(batch_size or 256)
    with evaluating(model), _quiet():
        passes, random = clean_passes(model, images, batch_size=size)
        check_logits(passes[0], labels)
        right = torch.stack([predicted(each) == labels for each in passes]).all(0)
        if not right.any():
            raise ValueError("images holds none that the model classifies correctly, expected one at least")
        look = _Look(model, images[right], labels[right], float(eps), norm, seed, size)
        logits = passes[0][right]
        findings = [_randomness(random), _probabilities(logits)]
        graph = look.graph()
        findings.append(graph)
        if graph.suspicious:
            missed = torch.ones(len(look.images), dtype=torch.bool, device=images.device)
            findings += [look.random_search(missed, draws), look.black_box(missed, queries)]
            radii, curves = look.curves(0)
        else:
            findings += look.gradients()
            missed = ~look.fooled(partial(pgd, eps=look.eps, norm=norm, steps=steps))
            missed &= ~look.fooled(partial(pgd, eps=look.eps, norm=norm, steps=steps, loss="margin"))
            findings += [
                look.one_step(missed),
                look.random_search(missed, draws),
                look.black_box(missed, queries),
                look.closest(missed, steps),
                look.unbounded(steps),
            ]
            radii, curves = look.curves(min(steps, 20))
    return Diagnosis(findings, radii, curves, norm, float(eps), len(look.images))


def _unit(gradient: Tensor) -> Tensor:
    """Rows of length one in float64, whatever their length was; zero where it was."""
    rows = gradient.cpu().double().nan_to_num(0, 0, 0)
    rows = rows / rows.abs().amax(1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)


@contextmanager
def _quiet() -> Iterator[None]:
    """What attacks warn of is what is looked for here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _randomness(random: bool) -> Finding:
    return Finding(
        "randomness",
        "two passes differ" if random else "two passes agree",
        random,
        "The model draws: one gradient is one draw. Average over draws (wrappers.eot; AutoAttack's version rand).",
    )


def _probabilities(logits: Tensor) -> Finding:
    sums = (logits.sum(1) - 1).abs().amax().item()
    found = bool((logits >= 0).all() and (logits <= 1).all() and sums < 1e-3)
    hot = (logits.amax(1) > 1 - 1e-6).cpu().double().mean().item() if found else 0.0
    evidence = f"rows sum to 1; {hot:.0%} are one-hot" if found else "rows do not sum to 1"
    return Finding(
        "probabilities",
        evidence,
        found,
        "The model answers with probabilities, behind a softmax that flattens its gradient: attack the logits, or "
        "the logarithms where they are not one-hot.",
    )


class _Look:
    """The correctly classified images, looked at one way after another."""

    def __init__(self, model: Model, images: Tensor, labels: Tensor, eps: float, norm: str, seed: int, batch_size: int):
        self.model, self.images, self.labels = model, images, labels
        self.eps, self.norm, self.seed, self.batch_size = eps, norm, seed, batch_size

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and labels."""
        return zip(self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True)

    def enough(self, count: int) -> bool:
        """More images than chance may give."""
        return count >= min(len(self.images), max(2, math.ceil(TOLERATED * len(self.images))))

    def wrong(self, x: Tensor) -> Tensor:
        """Which of these are misclassified."""
        return predicted(predict(self.model, x, batch_size=self.batch_size)) != self.labels

    def attacked(self, attack: Callable[..., Tensor]) -> Tensor:
        """What an attack makes of all images."""
        places = torch.arange(len(self.images), device=self.images.device).split(self.batch_size)
        found = [
            attack(self.model, x, y, **drawn(attack, self.seed, at))
            for (x, y), at in zip(self.batches(), places, strict=True)
        ]
        return torch.cat(found)

    def fooled(self, attack: Callable[..., Tensor]) -> Tensor:
        """Which images it fools within the ball."""
        result = self.attacked(attack)
        return self.wrong(result) & within(result, self.images, self.eps, self.norm)

    def gradient(self, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Of a loss per image, at the images."""
        found = []
        with untouched(self.model, self.images):
            for x, y in self.batches():
                x = x.clone().requires_grad_()
                found.append(torch.autograd.grad(loss(answer(self.model, x), y).sum(), x)[0].detach())
        return torch.cat(found)

    def graph(self) -> Finding:
        """Whether a gradient can be taken at all."""
        missing = False
        try:
            with untouched(self.model, self.images):
                x, y = next(self.batches())
                x = x.clone().requires_grad_()
                input_gradient(log_odds(answer(self.model, x), y), x)
        except (ValueError, RuntimeError) as error:
            if not str(error).startswith(NO_GRAPH):
                raise
            missing = True
        return Finding(
            "no graph",
            "no gradient leads to the images" if missing else "the gradient can be taken",
            missing,
            "No gradient leads from the answer to the image: gradient attacks cannot run. Differentiate around what "
            "stops it (wrappers.bpda), and attack by scores.",
        )

    def gradients(self) -> list[Finding]:
        """Vanishing, saturated, misleading."""
        odds = self.gradient(log_odds).flatten(1)
        entropy = self.gradient(lambda z, y: F.cross_entropy(z, y, reduction="none")).flatten(1)
        gone = (odds == 0).all(1) | ~odds.isfinite().all(1)
        count = int(gone.sum())
        vanishing = Finding(
            "vanishing gradient",
            f"zero or not finite at {count} of {len(odds)} images",
            self.enough(count),
            "The gradient is zero or not finite: attacks that follow it stay where they are. Find what flattens it "
            "(rounding, thresholds, saturated units), and go round it (wrappers.bpda).",
        )
        cosine = (_unit(odds) * _unit(entropy)).sum(1)
        turned = int(((cosine < 0.9) & ~gone.cpu()).sum())
        saturated = Finding(
            "saturated logits",
            f"the cross-entropy's gradient is rounded away or turned at {turned} of {len(odds)} images",
            self.enough(turned),
            "Logits are so far apart that the cross-entropy rounds its gradient away: attacks must climb the log-odds, "
            "the margin or DLR, as those of this library do and many others do not.",
        )
        return [vanishing, saturated, self.misleading(odds, gone)]

    def misleading(self, odds: Tensor, gone: Tensor) -> Finding:
        """The change of the loss over a small step along the gradient, over the change that it promises."""
        step = min(1e-3, self.eps / 20) if self.norm == "linf" else self.eps / 100
        move = steepest(odds.view_as(self.images).nan_to_num(0, 0, 0), step, self.norm, self.images)
        ahead, behind = (self.images + sign * move for sign in (1, -1))
        inside = ((ahead - ahead.clamp(0, 1)) + (behind - behind.clamp(0, 1)) == 0).to(move)
        move = move * inside
        risen = self.odds_at(self.images + move) - self.odds_at(self.images - move)
        promised = 2 * (odds * move.flatten(1)).sum(1).cpu().double()
        off = ((risen / promised).nan_to_num(0, 0, 0) - 1).abs() > 0.5
        off &= ~gone.cpu() & (promised > 0)
        count = int(off.sum())
        return Finding(
            "misleading gradient",
            f"off by more than a half at {count} of {len(odds)} images, over steps of {step:.2g}",
            self.enough(count) and count > 0.1 * len(odds),
            "The gradient does not say how the loss changes: something in the model is rough, or its backward pass is "
            "another function's. Estimate gradients from scores, or smooth (wrappers.eot).",
        )

    def odds_at(self, x: Tensor) -> Tensor:
        """Log-odds against the label, in float64, on the CPU."""
        return log_odds(predict(self.model, x, batch_size=self.batch_size).cpu().double(), self.labels.cpu())

    def more(self, check: str, found: Tensor, missed: Tensor, what: str, verdict: str) -> Finding:
        """What fools images that PGD missed."""
        count = int((found & missed).sum())
        evidence = f"{what} fools {count} images that PGD does not (PGD leaves {int(missed.sum())} of {len(missed)})"
        return Finding(check, evidence, self.enough(count), verdict)

    def one_step(self, missed: Tensor) -> Finding:
        """A step of the whole radius."""
        found = self.fooled(partial(fgsm, eps=self.eps, norm=self.norm))
        return self.more(
            "one step",
            found,
            missed,
            "one step",
            "One step does what forty do not: the loss is rough near the image. Iterate with smaller and with larger "
            "steps, from random starts.",
        )

    def random_search(self, missed: Tensor, draws: int) -> Finding:
        """Random signs and random directions."""
        found = torch.zeros_like(missed)
        for number, kind in enumerate((random_signs, random_direction)):
            streams = Streams(self.seed, f"diagnose {number}", self.images)
            for _ in range((draws + 1 - number) // 2):
                found |= self.wrong(kind(self.images, eps=self.eps, norm=self.norm, draws=streams))
        return self.more(
            "random search",
            found,
            missed,
            f"the best of {draws} random points",
            "Random points of the ball fool what the gradient does not: the gradient attack fails, not the attacker.",
        )

    def black_box(self, missed: Tensor, queries: int) -> Finding:
        """The Square Attack."""
        found = self.fooled(partial(square, eps=self.eps, norm=self.norm, queries=queries))
        return self.more(
            "black box",
            found,
            missed,
            f"Square ({queries} queries)",
            "An attack that sees scores alone beats the one that has the gradient: the gradient is masked.",
        )

    def closest(self, missed: Tensor, steps: int) -> Finding:
        """FAB."""
        found = self.fooled(partial(fab, norm=self.norm, steps=steps))
        return self.more(
            "closest",
            found,
            missed,
            f"FAB ({steps} steps)",
            "A minimal-norm attack finds images within the radius that PGD misses: the loss or the steps of PGD do not "
            "suit this model. Report the worst case over several attacks.",
        )

    def unbounded(self, steps: int) -> Finding:
        """Without a ball that holds an attack back every image can become any other."""
        size = self.images[0].numel()
        radius = {"linf": 1.0, "l2": math.sqrt(size), "l1": float(size)}[self.norm]
        left = ~self.wrong(self.attacked(partial(pgd, eps=radius, norm=self.norm, steps=steps)))
        if left.any():
            rest = partial(apgd, eps=radius, norm=self.norm, steps=steps, loss="margin")
            left &= ~self.wrong(self.attacked(rest))
        count = int(left.sum())
        return Finding(
            "unbounded",
            f"PGD and APGD in a ball of {radius:.4g} leave {count} of {len(left)} images",
            self.enough(count),
            "With every image within reach, images still resist: what fails is the attack.",
        )

    def curves(self, steps: int) -> tuple[list[float], dict[str, list[float]]]:
        """Accuracy over the radius under random signs, one step and PGD; the last two where there are steps."""
        radii = [0.0, *(share * self.eps for share in SHARES)]
        kinds: dict[str, Callable[[float], Tensor]] = {
            "random signs": lambda eps: random_signs(
                self.images, eps=eps, norm=self.norm, draws=Streams(self.seed, "curve", self.images)
            )
        }
        if steps:
            kinds["one step"] = lambda eps: self.attacked(partial(fgsm, eps=eps, norm=self.norm))
            name = f"PGD, {steps} steps"
            kinds[name] = lambda eps: self.attacked(partial(pgd, eps=eps, norm=self.norm, steps=steps))
        return radii, {
            name: [1.0, *((~self.wrong(kind(eps))).cpu().double().mean().item() for eps in radii[1:])]
            for name, kind in kinds.items()
        }
