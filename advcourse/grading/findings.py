"""What preflight says of a submission's cells, from the same plan as the notebook that is graded."""

from __future__ import annotations

from collections.abc import Iterator

from advcourse.grading import answers, cells, matching, pages, whereabouts
from advcourse.grading.cells import Cell
from advcourse.grading.plan import Plan
from advcourse.grading.whereabouts import Remark


def findings(plan: Plan, elsewhere: dict[str, list[Cell]] | None = None) -> list[Remark]:
    """Everything that is to be said.

    Args:
        plan: of the submission.
        elsewhere: outlines of the course's other assignments, by name.
    """
    if not any(number in plan.cell for number in plan.answers()):
        return [Remark("none of the exercises is in this file: 0 points", costs=True)]
    graded = [number for number, entry in enumerate(plan.entries) if "nbgrader" in entry]
    inside = [found for number in graded if number in plan.cell for found in _inside(plan, number)]
    return [*whereabouts.missing(plan), *whereabouts.names(plan), *inside, *whereabouts.others(plan, elsewhere or {})]


def _inside(plan: Plan, number: int) -> Iterator[Remark]:
    entry, cell = plan.entries[number], plan.cell[number]
    yield from _twins(plan, number)
    if cell["cell_type"] != entry["type"]:
        kind = cell["cell_type"]
        yield Remark(f"cell {_where(plan, number)} has become a {kind} cell: it is graded as {entry['type']}")
    yield from _locked(plan, number) if cells.is_locked(entry) else _answer(plan, number)


def _where(plan: Plan, number: int) -> str:
    return f"{plan.entries[number]['id']!r} ({plan.at(plan.cell[number])})"


def _twins(plan: Plan, number: int) -> Iterator[Remark]:
    entry, counts = plan.entries[number], plan.cell[number]
    twins = plan.twins.get(number, [])
    if number in plan.joined:
        pieces = ", ".join(plan.at(c) for c in plan.own if c is counts or any(c is twin for twin in twins))
        yield Remark(f"cell {entry['id']!r} is there more than once, in pieces ({pieces}): they are put together")
        return
    for twin in twins if plan.how[number] == "name" else []:
        text = (
            f"cell {entry['id']!r} is there more than once (copied or split): {plan.at(counts)} counts, "
            f"{plan.at(twin)} does not"
        )
        same = cells.source_digest(twin["source"]) == cells.source_digest(counts["source"]) or id(twin) in plan.left_out
        if same or cells.is_locked(entry):
            yield Remark(text)
        else:
            yield Remark(f"{text}, and holds something else: delete the one that shall not count", costs=True)


def _locked(plan: Plan, number: int) -> Iterator[Remark]:
    entry, cell = plan.entries[number], plan.cell[number]
    if number in plan.joined or cells.unchanged(cell, entry):
        return
    where = _where(plan, number)
    typed = [plan.entries[n] for n in plan.answers() if plan.open(n)]
    typed = [one for one in typed if one.get("defines") and {*one["defines"]} <= matching.defined(cell["source"])]
    if not cell["source"].strip():
        yield Remark(f"cell {where} is empty: its content is put back when it is graded")
    elif cells.of_another_release(cell, entry):
        yield Remark(f"cell {where} is of another release: that of today is run in its place")
    elif typed:
        theirs = ", ".join(repr(one["id"]) for one in typed)
        yield Remark(
            f"cell {where} is not to be written in, but was changed, and holds the answer of {theirs}: it is replaced "
            "when it is graded, and that answer with it. Move it to the cell of the answer",
            costs=True,
        )
    else:
        yield Remark(
            f"cell {where} is not to be written in, but was changed: it is replaced when it is graded. "
            "Move what is yours to an answer cell, or to a cell of its own; if nothing there is, nothing is lost",
            costs=True,
        )


def _answer(plan: Plan, number: int) -> Iterator[Remark]:
    entry, cell = plan.entries[number], plan.cell[number]
    if cells.grade_id(cell) == entry["id"] and cells.of_another_release(cell, entry):
        yield Remark(f"answer {_where(plan, number)} was begun in another release: read the exercise of today")
    if plan.open(number):
        return
    if wrong := answers.wrong(pages.text(plan.source(number)), entry["type"]):
        yield Remark(f"answer {_where(plan, number)} {wrong}", costs=True)
    elif lacking := _undefined(plan, number):
        yield Remark(
            f"answer {_where(plan, number)} does not define {', '.join(lacking)}, which its test uses", costs=True
        )


def _undefined(plan: Plan, number: int) -> list[str]:
    """Names of an answer that are given no value before its test is run."""
    before = [source for place, source, _ in plan.code() if place < plan.tested(number)]
    there = {name for source in before for name in answers.assigned(source)}
    return [] if "*" in there else [name for name in plan.entries[number].get("defines", []) if name not in there]
