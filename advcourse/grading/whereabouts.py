"""Which cells of a submission are missing, are called otherwise, were moved, or belong to nobody; in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from advcourse.grading import answers, cells
from advcourse.grading.cells import Cell
from advcourse.grading.plan import Plan

EACH_NAMED = 3
"""So many cells of one kind are named each; of more there is one line."""


@dataclass(frozen=True)
class Remark:
    """One line of the report.

    Attributes:
        text: what it is, and what the grader does with it.
        costs: whether points may be lost by it; else the grader copes.
    """

    text: str
    costs: bool = False


def missing(plan: Plan) -> Iterator[Remark]:
    """What is not there, and whether the submission is from an older release."""
    gone = [number for number in plan.answers() if number not in plan.cell and not _holders(plan, number)]
    tests = {test for number in gone for test in plan.tests(number)}
    absent = [n for n in gone if not any(test in plan.cell for test in plan.tests(n))]
    if from_another_release(plan):
        lost = f". Not in it, and lost: {_named(plan, absent)}" if absent else ""
        yield Remark(f"this notebook is from another release: what it has is graded{lost}", costs=bool(absent))
    elif absent:
        yield Remark(
            f"{_named(plan, absent)} cannot be graded: {'they were' if len(absent) > 1 else 'it was'} deleted, or the "
            "notebook is from an older release without it. Answer it in a fresh copy of the assignment",
            costs=True,
        )
    for number, entry in enumerate(plan.entries):
        if number in plan.cell or "nbgrader" not in entry or number in absent:
            continue
        if cells.is_locked(entry):
            if number not in tests or not absent:
                yield Remark(f"cell {entry['id']!r} is missing: it is put back when it is graded")
        else:
            yield _unanswered(plan, number)


def _named(plan: Plan, numbers: list[int]) -> str:
    return ", ".join(f"{plan.entries[number]['id']!r}{_points(plan, number)}" for number in numbers)


def _points(plan: Plan, number: int) -> str:
    graded = [plan.entries[n]["nbgrader"] for n in (number, *plan.tests(number))]
    total = sum(about.get("points", 0) for about in graded if about.get("grade"))
    return f" ({total:g} point{'s' if total != 1 else ''})" if total else ""


def _holders(plan: Plan, number: int) -> list[tuple[int, Cell]]:
    """Code that is run and defines what an answer without a cell should, with the place where it is run."""
    names = set(plan.entries[number].get("defines", []))
    return [(place, cell) for place, source, cell in plan.code() if names and names <= answers.assigned(source)]


def _unanswered(plan: Plan, number: int) -> Remark:
    name, holders = plan.entries[number]["id"], _holders(plan, number)
    early = [cell for place, cell in holders if place < plan.tested(number)]
    if early:
        return Remark(f"cell {name!r} is missing; what defines it is run all the same ({plan.at(early[-1])})")
    if holders:
        return Remark(
            f"cell {name!r} is missing, and what defines it ({plan.at(holders[0][1])}) is run after its test: "
            f"move that to a cell before the test{_points(plan, number)}",
            costs=True,
        )
    return Remark(f"cell {name!r} is missing: no answer, no points{_points(plan, number)}", costs=True)


def from_another_release(plan: Plan) -> bool:
    """Whether cells carry names or checksums that are not of this release."""
    known = {entry["id"] for entry in plan.entries}
    for number, cell in plan.cell.items():
        name, entry = cells.grade_id(cell), plan.entries[number]
        if "nbgrader" not in entry or name is None:
            continue
        if name not in known or (name == entry["id"] and cells.of_another_release(cell, entry)):
            return True
    return False


def names(plan: Plan) -> Iterator[Remark]:
    """Cells that were not found by the name that nbgrader gives them, and what they are taken for."""
    lost, renamed = [], []
    for number, entry in enumerate(plan.entries):
        cell = plan.cell.get(number)
        name = cells.grade_id(cell) if cell is not None else entry["id"]
        if cell is None or "nbgrader" not in entry or name == entry["id"]:
            continue
        where = f"{entry['id']!r} ({plan.at(cell)})"
        stub = next((c for c in plan.own if cells.grade_id(c) == entry["id"]), None)
        if name is not None:
            renamed.append(f"cell {name!r} ({plan.at(cell)}) is graded as {entry['id']!r}, by what it holds")
        elif stub is not None:
            yield Remark(f"answer {where} is in a cell of your own: it is graded, not the stub ({plan.at(stub)})")
        else:
            lost.append(f"cell {where} has lost its grading metadata: it is known by its id or content")
    yield from _counted(lost, "cells have lost their grading metadata: they are known by their ids or contents")
    yield from _counted(renamed, "cells are called otherwise here: they are known by what they hold")


def _counted(lines: list[str], together: str) -> Iterator[Remark]:
    yield from map(Remark, lines if len(lines) <= EACH_NAMED else [f"{len(lines)} {together}"])


def others(plan: Plan, elsewhere: dict[str, list[Cell]]) -> Iterator[Remark]:
    """Cells in another order, and cells that this assignment does not know."""
    places = {id(cell): place for place, cell in enumerate(plan.own)}
    graded = [number for number in sorted(plan.cell) if "nbgrader" in plan.entries[number]]
    for before, after in zip(graded, graded[1:], strict=False):
        if places[id(plan.cell[before])] > places[id(plan.cell[after])]:
            one, two = plan.entries[after]["id"], plan.entries[before]["id"]
            yield Remark(f"cells were moved ({one!r} stands before {two!r}): they are run in the released order")
            break
    known, taken = {entry["id"] for entry in plan.entries}, plan.taken()
    foreign = {entry["id"]: name for name, outline in elsewhere.items() for entry in outline if "nbgrader" in entry}
    for cell in plan.own:
        name, about = cells.grade_id(cell), cell["metadata"].get("nbgrader") or {}
        roles = any(about.get(role) for role in ("grade", "solution", "locked", "task"))
        if id(cell) in taken or name in known or not roles:
            continue
        whose = f"belongs to another assignment ({foreign[name]})" if name in foreign else "is not of this assignment"
        yield Remark(f"cell {name!r} ({plan.at(cell)}) {whose}: it counts as a plain cell")
