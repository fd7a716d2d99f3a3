"""The report of a robustness evaluation: numbers, tables in text, Markdown and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from advcourse import __version__
from advcourse.core.validation import check_at_least

SCHEMA_NAME = "advcourse.robustness/1"
Z = 1.959964
"""Two-sided 95 % of the normal distribution."""


def wilson(count: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``of`` images.

    Source: Wilson 1927, Journal of the American Statistical Association 22, "Probable inference".
    """
    share, z2 = count / of, Z * Z / of
    middle, half = share + z2 / 2, Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of))
    return max(0.0, (middle - half) / (1 + z2)), min(1.0, (middle + half) / (1 + z2))


@dataclass(frozen=True)
class Level:
    """Robust accuracy at one radius, with its 95 % interval over the draw of the images (Wilson)."""

    eps: float
    robust_accuracy: float
    low: float
    high: float

    @classmethod
    def of(cls, eps: float, kept: Tensor) -> Level:
        """From what is left of each image, ``(N,)`` in [0, 1]."""
        return cls(eps, kept.double().mean().item(), *wilson(kept.double().sum().item(), len(kept)))


@dataclass(frozen=True)
class Part:
    """What one attack did at one radius (none for the minimal-norm attacks on every image).

    Attributes:
        tried, fooled: images that it was shown, and how many of them it fooled within the radius.
        alone: those that no other attack of that radius fooled.
        forwards, backwards: passes in all.
        seconds: of the processor, or of the clock where another device computes.
        vanishing: images whose first gradient was zero or not finite.
    """

    name: str
    eps: float | None
    tried: int
    fooled: int
    alone: int
    forwards: int
    backwards: int
    seconds: float
    vanishing: int


@dataclass
class RobustnessReport:
    """What ``evaluate_robustness`` found.

    Attributes:
        norm: of the ball.
        levels: robust accuracy at every radius asked for, ascending.
        parts: what each attack did.
        clean_accuracy: without attack.
        attacks: the version of AutoAttack, or the attacks' names.
        seed: of all draws.
        adversarial: ``(N, C, H, W)``, the image itself where nothing fooled.
        attacked: ``(N,)``: classified correctly before.
        fooled: ``(N,)``, at the largest radius.
        distance: ``(N,)``: the smallest norm of an adversarial perturbation that was met; 0 where the image was
            misclassified, infinite where none was met; None without a curve.
        missed: numbers of the images that only the minimal-norm attacks fooled within the largest radius.
        clean: ``(N,)``: whether the image was classified correctly before; of a random model, in which share of passes.
        random: whether the model draws; then a share of ``draws`` passes stands for right and wrong.
        notes: what else must be said.
        device: where the images lay.
    """

    norm: str
    levels: list[Level]
    parts: list[Part]
    clean_accuracy: float
    attacks: str
    seed: int
    adversarial: Tensor = field(repr=False)
    attacked: Tensor = field(repr=False)
    fooled: Tensor = field(repr=False)
    distance: Tensor | None = field(repr=False)
    missed: Tensor = field(repr=False)
    clean: Tensor = field(repr=False)
    random: bool = False
    draws: int = 1
    notes: list[str] = field(default_factory=list)
    device: str = "cpu"

    @property
    def versions(self) -> dict[str, str]:
        """Of this library and of PyTorch, and the device that computed."""
        return {"advcourse": __version__, "torch": torch.__version__, "device": self.device}

    @property
    def eps(self) -> float:
        """The largest radius."""
        return self.levels[-1].eps

    @property
    def robust_accuracy(self) -> float:
        """At the largest radius."""
        return self.levels[-1].robust_accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the robust accuracy at the largest radius, over the draw of the images."""
        return self.levels[-1].low, self.levels[-1].high

    @property
    def seconds(self) -> float:
        """Of all attacks."""
        return sum(part.seconds for part in self.parts)

    def curve(self, eps: Sequence[float]) -> list[float]:
        """Upper bounds of the robust accuracy at those radii, from the smallest distances met; at 0 clean accuracy.

        Raises:
            ValueError: where the report was made without a curve.
        """
        if not isinstance(eps, Sequence):
            raise ValueError(f"eps is {eps!r}, expected radii: curve([{eps!r}])")
        if self.distance is None:
            raise ValueError("distance is None, expected one for every image: evaluate_robustness(…, curve=True)")
        for each in eps:
            check_at_least(0, eps=each)
        within = ((self.distance <= each) & bool(each > 0) for each in eps)
        return [(self.clean * ~lost).mean().item() for lost in within]

    def rows(self) -> list[list[str]]:
        """The table of attacks, with its head: strings, one list a row."""
        several = len({part.eps for part in self.parts if part.eps is not None}) > 1
        head = ["attack", *(["ε"] if several else []), "shown", "fooled", "alone", "passes an image", "seconds"]
        table = [head]
        for part in self.parts:
            radius = ["any" if part.eps is None else f"{part.eps:g}"] if several else []
            passes = (part.forwards + part.backwards) / part.tried if part.tried else 0.0
            counts = [str(part.tried), str(part.fooled), str(part.alone), f"{passes:.0f}", f"{part.seconds:.1f}"]
            table.append([part.name, *radius, *counts])
        return table

    def lines(self) -> list[str]:
        """What is said above the table, a sentence a line."""
        said = [f"clean accuracy {self.clean_accuracy:.1%} ({_images(len(self.attacked))})"]
        for level in self.levels:
            said.append(
                f"robust accuracy {level.robust_accuracy:.1%} at {self.norm} {level.eps:.4g} "
                f"(95 % interval {level.low:.1%} to {level.high:.1%})"
            )
        if self.random:
            said.append(f"the model draws: shares of {self.draws} passes")
        said += self.notes
        if len(self.missed):
            were = "was" if len(self.missed) == 1 else "were"
            said.append(f"{_images(len(self.missed))} {were} fooled by minimal-norm attacks alone: see diagnose")
        vanishing = max((part.vanishing for part in self.parts), default=0)
        if vanishing:
            said.append(f"the first gradient vanished at {_images(vanishing)}: see diagnose")
        return said

    def __str__(self) -> str:
        table = self.rows()
        widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
        lines = [
            "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(cells))
            for cells in ([*zip(row, widths, strict=True)] for row in table)
        ]
        about = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return "\n".join([*self.lines(), "", *lines, "", f"attacks: {self.attacks}; seed {self.seed}; {about}"])

    def to_markdown(self) -> str:
        """The report as Markdown: a list of its sentences and the table of attacks."""
        head, *body = self.rows()
        ruled = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
        table = ["| " + " | ".join(row) + " |" for row in ruled]
        about = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        said = [f"- {line}" for line in self.lines()] + [f"- attacks: {self.attacks}; seed {self.seed}; {about}"]
        return "\n".join([*said, "", *table]) + "\n"

    def to_json(self) -> str:
        """The report as JSON, as ``ROBUSTNESS_SCHEMA`` describes it; images are left out, distances are not."""
        distances = None
        if self.distance is not None:
            distances = [each if math.isfinite(each) else None for each in self.distance.tolist()]
        content: dict[str, Any] = {
            "schema": SCHEMA_NAME,
            "norm": self.norm,
            "images": len(self.attacked),
            "clean_accuracy": self.clean_accuracy,
            "levels": [asdict(level) for level in self.levels],
            "attacks": self.attacks,
            "seed": self.seed,
            "parts": [asdict(part) for part in self.parts],
            "fooled": self.fooled.nonzero()[:, 0].tolist(),
            "missed": self.missed.tolist(),
            "distance": distances,
            "random": self.random,
            "draws": self.draws,
            "versions": self.versions,
        }
        return json.dumps(content, indent=2, ensure_ascii=False)


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBERS = {"type": "array", "items": _COUNT}
_RADIUS = {"type": ["number", "null"], "minimum": 0}
_LEVEL = _object({"eps": {"type": "number", "minimum": 0}, "robust_accuracy": _SHARE, "low": _SHARE, "high": _SHARE})
_PART = _object(
    {"name": {"type": "string"}, "eps": _RADIUS}
    | dict.fromkeys(("tried", "fooled", "alone", "forwards", "backwards", "vanishing"), _COUNT)
    | {"seconds": {"type": "number", "minimum": 0}}
)
ROBUSTNESS_SCHEMA = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _object(
    {
        "schema": {"const": SCHEMA_NAME},
        "norm": {"enum": ["linf", "l2", "l1"]},
        "images": {"type": "integer", "minimum": 1},
        "clean_accuracy": _SHARE,
        "levels": {"type": "array", "items": _LEVEL, "minItems": 1},
        "attacks": {"type": "string"},
        "seed": _COUNT,
        "parts": {"type": "array", "items": _PART},
        "fooled": _NUMBERS,
        "missed": _NUMBERS,
        "distance": {"type": ["array", "null"], "items": _RADIUS},
        "random": {"type": "boolean"},
        "draws": {"type": "integer", "minimum": 1},
        "versions": {"type": "object", "additionalProperties": {"type": "string"}},
    }
)
"""JSON Schema of ``RobustnessReport.to_json``."""
