"""What ``diagnose`` finds: each check with its evidence, and the verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was measured, and whether it speaks against the gradient."""

    check: str
    evidence: str
    suspicious: bool
    verdict: str


@dataclass
class Diagnosis:
    """What ``diagnose`` found.

    Attributes:
        findings: every check, with its evidence.
        radii: of the curves.
        curves: accuracy at each radius, by kind of perturbation.
        norm, eps: the ball.
        count: images looked at: those that the model classifies correctly.
    """

    findings: list[Finding]
    radii: list[float]
    curves: dict[str, list[float]]
    norm: str
    eps: float
    count: int

    @property
    def suspicious(self) -> bool:
        """Whether a check speaks against the gradient: attacks that follow it then overstate robustness."""
        return any(finding.suspicious for finding in self.findings)

    @property
    def verdict(self) -> str:
        """In a sentence or several."""
        said = [finding.verdict for finding in self.findings if finding.suspicious]
        if not said:
            return (
                f"Nothing speaks against the gradient ({len(self.findings)} checks, {self.count} images, "
                f"{self.norm} {self.eps:.4g}). That is no proof of robustness: evaluate_robustness measures it."
            )
        return " ".join(said)

    def table(self) -> pandas.DataFrame:
        """One row a check, with ``evidence`` and ``suspicious``."""
        import pandas

        rows = {each.check: {"evidence": each.evidence, "suspicious": each.suspicious} for each in self.findings}
        return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("check")

    def __str__(self) -> str:
        lines = [f"{'!' if each.suspicious else ' '} {each.check:<26} {each.evidence}" for each in self.findings]
        return "\n".join([*lines, "", self.verdict])
