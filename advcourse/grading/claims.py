"""Checks of how a table of measurements is read: which claims it refutes, and where its attacks have failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from advcourse.grading.checks import fail

SIGNS = ("not attacked", "one step", "black box", "control")
_WHITE = ("one step", "iterated")
_ATTACKS = ("random signs", *_WHITE, "black box")


def measured(rows: Any) -> Any:
    """The table with the accuracy of each row and its standard error."""
    found = rows.copy()
    found["accuracy"] = found["right"] / found["n"]
    found["error"] = np.sqrt(found["accuracy"] * (1 - found["accuracy"]) / found["n"])
    return found


def made_up(seed: int | None = None, count: int = 30) -> tuple[Any, Any]:
    """A table of claims and one of measurements, the same for the same seed; three defenses, three radii."""
    import pandas

    draw = np.random.default_rng(seed)
    names, sizes = ("A", "B", "C"), (0.05, 0.1, 0.2)
    rows = pandas.DataFrame({"defense": draw.choice(names, count), "attack": draw.choice(_ATTACKS, count)})
    own = draw.random(count) < 0.6
    rows["made_for"] = np.where(own, rows["defense"], draw.choice(names, count))
    rows.loc[~rows["attack"].isin(_WHITE), "made_for"] = ""
    rows["eps"], rows["n"] = draw.choice(sizes, count), draw.choice((40, 150, 1000), count)
    rows["right"] = np.round(rows["n"] * draw.uniform(0.3, 0.95, count)).astype(int)
    rows.index = draw.permutation(np.arange(100, 100 + count))
    claims = pandas.DataFrame({"defense": np.repeat(names, 4), "eps": draw.choice(sizes, 12)})
    claims["accuracy"] = draw.uniform(0.2, 0.85, 12)
    return claims, rows


def refutes(function: Callable, claims: Any, rows: Any) -> None:
    """For each claim the row that refutes it most, or None."""
    name = function.__name__
    given = claims.copy(), rows.copy()
    result = function(*given)
    _untouched(given, (claims, rows), name)
    if isinstance(result, np.ndarray) or type(result).__name__ == "Series":
        result = list(result)
    if type(result) not in (list, tuple):
        fail(f"{name} returned a {type(result).__name__}; expected a list, one entry for each claim")
    if len(result) != len(claims):
        fail(f"{name} returned {len(result)} entries, expected {len(claims)}, one for each claim")
    found = [each.item() if isinstance(each, np.generic) else each for each in result]
    right = _refuting(claims, rows)
    if found == right:
        return
    for why, other in _misread_claims(claims, rows).items():
        if found == other:
            fail(f"{name}: {why}")
    i = next(i for i, (a, b) in enumerate(zip(found, right, strict=True)) if a != b)
    claim = claims.iloc[i]
    text = f"{claim.accuracy:.2f} at ε = {claim.eps:.3g} of {claim.defense}"
    if right[i] is None:
        fail(f"{name}: no row refutes the claim {i}, {text}; you name {found[i]!r}")
    row = measured(rows).loc[right[i]]
    told = f"row {right[i]} ({row.attack}, ε = {row.eps:.3g}: {row.accuracy:.3f} ± {row.error:.3f})"
    fail(f"{name}: claim {i}, {text}, is refuted most by {told}; you name {found[i]!r}")


def doubtful(function: Callable, rows: Any, defense: str) -> None:
    """The signs that a defense's attacks have failed, as a set."""
    name = f"{function.__name__} of {defense}"
    given = rows.copy()
    result = function(given, defense)
    _untouched((given,), (rows,), name)
    if type(result) not in (set, frozenset, list, tuple):
        fail(f"{name} returned a {type(result).__name__}; expected a set of signs")
    found = set(result)
    if strange := sorted(str(each) for each in found - set(SIGNS)):
        fail(f"{name}: {', '.join(strange)} is none of the signs {', '.join(SIGNS)}")
    right = _signs(rows, defense)
    if found == right:
        return
    for why, other in _misread_signs(rows, defense).items():
        if found == other:
            fail(f"{name}: {why}")
    if missing := sorted(right - found):
        fail(f"{name}: the sign {missing[0]!r} is there and is not found")
    fail(f"{name}: the sign {sorted(found - right)[0]!r} is not there")


def _untouched(given: tuple, before: tuple, name: str) -> None:
    if not all(mine.equals(theirs) for mine, theirs in zip(given, before, strict=True)):
        fail(f"{name} changed a table that it was given: work on a copy")


def _refuting(
    claims: Any,
    rows: Any,
    *,
    bound: float = 2.0,
    counts: Callable[[Any, Any], bool] = lambda row, claim: row.eps <= claim.eps,
    own: bool = True,
    best: str = "upper",
    label: bool = True,
) -> list:
    """What the table refutes, or by another rule what a mistake makes of it."""
    table = measured(rows)
    table["upper"] = table["accuracy"] + bound * table["error"]
    table["place"] = range(len(table))
    records, found = list(table.itertuples()), list[Any]()
    for claim in claims.itertuples():
        some = [row for row in records if (row.defense == claim.defense or not own) and counts(row, claim)]
        some = [row for row in some if row.upper < claim.accuracy]
        chosen = min(some, key=lambda row: getattr(row, best), default=None)
        found.append(None if chosen is None else chosen.Index if label else chosen.place)
    return found


def _misread_claims(claims: Any, rows: Any) -> dict[str, list]:
    def allowed(row: Any, claim: Any) -> bool:
        return bool(row.eps <= claim.eps)

    return {
        "that is the row of the lowest accuracy, expected of the lowest a + 2s": _refuting(
            claims, rows, best="accuracy"
        ),
        "a row counts though it falls short by less than two standard errors": _refuting(claims, rows, bound=0),
        "one standard error is taken, expected two": _refuting(claims, rows, bound=1),
        "the errors are taken off: the row's accuracy may be higher than it looks": _refuting(claims, rows, bound=-2),
        "a row with a larger ε counts: it says nothing about a smaller ball": _refuting(
            claims, rows, counts=lambda row, claim: True
        ),
        "only rows with the claim's own ε count: a smaller perturbation lies in the larger ball too": _refuting(
            claims, rows, counts=lambda row, claim: row.eps == claim.eps
        ),
        "rows with a smaller ε than the claim's are taken for others": _refuting(
            claims, rows, counts=lambda row, claim: row.eps < claim.eps
        ),
        "rows with a larger ε count, and those with a smaller one do not: it is the other way round": _refuting(
            claims, rows, counts=lambda row, claim: row.eps >= claim.eps
        ),
        "examples made for another network are left out: whoever made them, they lie in the ball": _refuting(
            claims,
            rows,
            counts=lambda row, claim: allowed(row, claim) and row.made_for in (row.defense, ""),
        ),
        "random signs and black boxes are left out: whatever is found in the ball counts": _refuting(
            claims, rows, counts=lambda row, claim: allowed(row, claim) and row.attack in _WHITE
        ),
        "random signs are left out: whatever is found in the ball counts": _refuting(
            claims, rows, counts=lambda row, claim: allowed(row, claim) and row.attack != "random signs"
        ),
        "only the iterated attack counts: whatever is found in the ball does": _refuting(
            claims, rows, counts=lambda row, claim: allowed(row, claim) and row.attack == "iterated"
        ),
        "rows of other defenses count": _refuting(claims, rows, own=False),
        "that is the first row that refutes a claim, expected the one that does most": _refuting(
            claims, rows, best="place"
        ),
        "that is the position of the row, expected its label in the index": _refuting(claims, rows, label=False),
    }


def _signs(rows: Any, defense: str, **other: Any) -> set[str]:
    """The signs, ε by ε; by other rules what a mistake makes of them."""
    at_once, foreign = other.get("at_once", False), other.get("foreign", "black box")
    pick, equal = other.get("pick", min), other.get("equal", True)
    left: dict[tuple[float, str], list[float]] = defaultdict(list)
    for row in measured(rows).itertuples():
        if row.defense != defense:
            continue
        kind = str(row.attack)
        if kind in _WHITE and row.made_for != defense and foreign != "white":
            kind = foreign
        left[0.0 if at_once else row.eps, kind].append(row.accuracy)
    found = set() if any(kind in _WHITE for _, kind in left) else {"not attacked"}
    for eps in {eps for eps, _ in left}:
        some = {kind: pick(left[eps, kind]) for kind in _ATTACKS if (eps, kind) in left}
        own = [some[kind] for kind in _WHITE if kind in some]
        if not own:
            continue
        white = pick(own)
        if len(own) == 2 and own[0] < own[1]:
            found.add("one step")
        if some.get("black box", 2) < white:
            found.add("black box")
        if some.get("random signs", 2) < white or (equal and some.get("random signs") == white):
            found.add("control")
    return found


def _misread_signs(rows: Any, defense: str) -> dict[str, set[str]]:
    signs = rows.assign(attack=rows["attack"].replace("random signs", "black box"))
    return {
        "an attack that does no more than random signs is a sign too": _signs(rows, defense, equal=False),
        "random signs pass for a black box": _signs(rows, defense) | (_signs(signs, defense) & {"black box"}),
        "the numbers of right images are compared, expected their shares, right / n": _signs(
            rows.assign(right=rows["right"] / max(rows["n"].max(), 1), n=1), defense
        ),
        "rows of different ε are compared with each other": _signs(rows, defense, at_once=True),
        "examples made for another network are taken for a white-box attack": _signs(rows, defense, foreign="white"),
        "examples made for another network are left out: they know no gradient of this one, as a black box": _signs(
            rows, defense, foreign="none"
        ),
        "attacks are compared by their weakest rows, expected by what is left after the strongest": _signs(
            rows, defense, pick=max
        ),
        "rows of other defenses are read": _signs(rows.assign(defense=defense), defense),
    }
