"""What was measured, and the requirements it is held against."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from benchmarks.peers import Budget

OVERHEAD = 1.05
SLOWER_THAN_FASTEST = 1.03
IMAGE_BATCHES = 4
IMPORT_SECONDS = 0.5


@dataclass
class Row:
    """One library's attack. Seconds and ratios hold a number per round."""

    case: str
    budget: Budget
    library: str
    images: int
    forwards: float
    backwards: float
    success: float
    l2: float
    linf: float
    seconds: list[float] = field(default_factory=list)
    over_ours: list[float] = field(default_factory=list)
    over_bare: list[float] = field(default_factory=list)


@dataclass
class Memory:
    """Peak bytes of one of our attacks and of one bare forward and backward pass."""

    case: str
    budget: Budget
    batch: int
    floor: int
    peak: int

    @property
    def batches(self) -> float:
        """What the attack holds beyond the bare pass, in image batches."""
        return (self.peak - self.floor) / self.batch


@dataclass
class Verdict:
    requirement: str
    measured: str
    reached: bool


def verdicts(rows: list[Row], memories: list[Memory]) -> list[Verdict]:
    """Every requirement beside its worst measurement; ratios by their medians."""
    found = []
    for ours in rows:
        where = f"{name(ours.budget)}, {ours.case}"
        if ours.library == "advcourse" and ours.budget.attack == "pgd":
            median = statistics.median(ours.over_bare)
            found.append(Verdict(f"overhead of {where}: at most {OVERHEAD}", f"{median:.3f}", median <= OVERHEAD))
        others = [row for row in rows if (row.case, row.budget) == (ours.case, ours.budget) and row is not ours]
        if ours.library == "advcourse" and others:
            found.append(_against(ours, others, where))
    for entry in memories:
        what = f"memory of {name(entry.budget)}, {entry.case}: a bare pass and at most {IMAGE_BATCHES} image batches"
        found.append(Verdict(what, f"{entry.batches:.2f}", entry.batches <= IMAGE_BATCHES))
    return found


def import_verdicts(imports: dict[str, list[float]]) -> list[Verdict]:
    """The time of each import statement, by its median."""
    found = []
    for statement, extra in imports.items():
        median = statistics.median(extra)
        what = f"`{statement}`: at most {IMPORT_SECONDS} s over `import torch`"
        found.append(Verdict(what, f"{median:.2f} s", median <= IMPORT_SECONDS))
    return found


def _against(ours: Row, others: list[Row], where: str) -> Verdict:
    """Success no lower than any other's; time at most 3 % over the fastest and below all others."""
    by_time = sorted(others, key=lambda row: statistics.median(row.over_ours))
    fastest, *slower = (1 / statistics.median(row.over_ours) for row in by_time)
    best = max(row.success for row in others)
    return Verdict(
        f"{where}: success no lower, time at most {SLOWER_THAN_FASTEST} of the fastest library's, below the others'",
        f"success {ours.success:.3f} against {best:.3f}; time {fastest:.3f} of {by_time[0].library}'s, "
        f"at most {max(slower):.3f} of the others'",
        ours.success >= best and fastest <= SLOWER_THAN_FASTEST and max(slower) < 1,
    )


def name(budget: Budget) -> str:
    """The attack and its norm."""
    return f"{budget.attack} {budget.norm}" if budget.attack == "pgd" else budget.attack
