"""Which cell of a submission is which of the released notebook: the grader, preflight and the repair go by this.

First by name (nbgrader's, else the cell's id), then by content: an answer by the functions that it defines or by the
lines of the stub that it kept, as in a submission from an older release; last by place, between cells that were found.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from advcourse.grading import answers, cells
from advcourse.grading.cells import Cell
from advcourse.grading.plan import Plan

DEFINED = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
ALIKE = 0.5
"""The least share of the lines of a released cell that a cell kept to be taken for it."""

COMPARED = 500
"""Lines of a submitted cell that are compared."""


def outline(notebook: dict[str, Any]) -> list[Cell]:
    """What is kept of a released notebook to find its cells: id, type, a digest of the source, nbgrader's metadata.

    Of answers, tests and locked cells also digests of the lines; of answers the names that they define.
    """
    entries = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        entry = {"id": cell["id"], "type": cell["cell_type"], "digest": cells.source_digest(source)}
        if "nbgrader" in cell["metadata"]:
            entry["nbgrader"] = dict(cell["metadata"]["nbgrader"])
            if cell["cell_type"] == "code":
                entry["lines"] = "".join(_lines(source))
                entry |= {"defines": sorted(defined(source))} if cells.is_answer(entry) else {}
        entries.append(entry)
    return entries


def defined(source: str) -> set[str]:
    """Names that the lines at the margin define, also where the rest is no Python."""
    return {name or other for name, other in DEFINED.findall(source)}


def match(own: list[Cell], entries: list[Cell]) -> Plan:
    """Finds the cells of a submission.

    Args:
        own: as ``cells.load`` gives them.
        entries: of the released notebook, as ``outline`` gives them.
    """
    plan = Plan(own, entries)
    _by_name(plan)
    _exchanged(plan)
    _by_digest(plan)
    _by_content(plan, [n for n in plan.answers() if plan.open(n)])
    _by_place(plan)
    _by_content(plan, [n for n, entry in enumerate(entries) if n not in plan.cell and cells.is_locked(entry)])
    _leave_out(plan)
    return plan


def _by_name(plan: Plan) -> None:
    for number, entry in enumerate(plan.entries):
        same = cells.named(plan.own, entry) if "nbgrader" in entry else []
        same = same or [c for c in plan.own if cells.cell_id(c) == entry["id"] and cells.grade_id(c) is None]
        taken = plan.taken()
        same = [c for c in same if id(c) not in taken]
        if same:
            plan.take(number, same[0], "name")
            plan.twins[number] = same[1:]


def _exchanged(plan: Plan) -> None:
    """Answers that lie in the cell of another one: of an older release with other names, or pasted there."""
    moves = {}
    for number in plan.answers():
        if plan.open(number) or not (ours := plan.entries[number].get("defines")):
            continue
        there = defined(plan.source(number))
        owners = [n for n in plan.answers() if there & set(plan.entries[n].get("defines", []))]
        if not there & set(ours) and len(owners) == 1:
            moves[number] = owners[0]
    moves = {n: owner for n, owner in moves.items() if owner in moves or plan.open(owner)}
    moved = {owner: plan.cell[number] for number, owner in moves.items()}
    for number in moves:
        del plan.cell[number], plan.how[number]
    for owner, cell in moved.items():
        plan.take(owner, cell, "content")


def _by_digest(plan: Plan) -> None:
    for number, entry in enumerate(plan.entries):
        if number not in plan.cell and not cells.is_answer(entry):
            taken = plan.taken()
            equal = [c for c in plan.own if id(c) not in taken and cells.source_digest(c["source"]) == entry["digest"]]
            if equal:
                plan.take(number, equal[0], "content")


def _nameless(plan: Plan) -> list[Cell]:
    """Cells that were not found, do not carry the name of a released one, and hold something."""
    known, taken = {entry["id"] for entry in plan.entries}, plan.taken()
    return [c for c in plan.own if id(c) not in taken and cells.grade_id(c) not in known and c["source"].strip()]


def _by_content(plan: Plan, numbers: list[int]) -> None:
    """The likest cells first; of cells that are equally like, the last: the one that a run leaves."""
    common = _common(plan.entries)
    free = [cell for cell in _nameless(plan) if not answers.is_stub(cell["source"], "code")]
    lines = [[line for line in _lines(cell["source"])[:COMPARED] if line not in common] for cell in free]
    names = [defined(cell["source"]) for cell in free]
    scores = []
    for number in numbers:
        entry = plan.entries[number]
        released = [line for line in _pieces(entry.get("lines", "")) if line not in common]
        wanted = set(entry.get("defines", []))
        for place in range(len(free)):
            if wanted and wanted <= names[place]:
                scores.append((1.0, place, number))
            elif number not in plan.cell and not set(released).isdisjoint(lines[place]):
                like = _likeness(released, lines[place], answer=cells.is_answer(entry))
                scores += [(like, place, number)] if like >= ALIKE else []
    used: set[int] = set()
    for _, place, number in sorted(scores, reverse=True):
        if number in numbers and place not in used:
            numbers = [n for n in numbers if n != number]
            used.add(place)
            plan.take(number, free[place], "content")


def _likeness(released: list[str], theirs: list[str], *, answer: bool) -> float:
    """The share of lines that were kept: of those of a stub, to which lines were added; else of the longer cell's."""
    kept = sum(block.size for block in SequenceMatcher(None, released, theirs, autojunk=False).get_matching_blocks())
    return min(0.99, kept / (len(released) if answer else max(len(released), len(theirs))))


def _common(entries: Iterable[Cell]) -> set[str]:
    """Lines that stand in several cells and tell none of them apart."""
    seen: list[str] = [line for entry in entries for line in set(_pieces(entry.get("lines", "")))]
    return {line for line in seen if seen.count(line) > 1}


def _lines(source: str) -> list[str]:
    lines = [line.strip() for line in source.splitlines()]
    hashed = (hashlib.sha1(line.encode("utf-8", "replace"), usedforsecurity=False) for line in lines if line)
    return [each.hexdigest()[:4] for each in hashed]


def _pieces(lines: str) -> list[str]:
    return [lines[place : place + 4] for place in range(0, len(lines), 4)]


def _by_place(plan: Plan) -> None:
    """Answers by the only cell that stands where they belong; a text also below its stub."""
    place = {id(cell): number for number, cell in enumerate(plan.own)}
    for number in [n for n in plan.answers() if plan.open(n)]:
        kind = plan.entries[number]["type"]
        if number in plan.cell and kind == "code":
            continue
        before = [place[id(cell)] for n, cell in sorted(plan.cell.items()) if n < number]
        after = [place[id(cell)] for n, cell in sorted(plan.cell.items()) if n > number]
        between = plan.own[before[-1] + 1 if before else 0 : after[0] if after else len(plan.own)]
        free = {id(cell) for cell in _nameless(plan)}
        candidates = [c for c in between if id(c) in free and c["cell_type"] == kind]
        if len(candidates) == 1 and not answers.is_stub(candidates[0]["source"], kind):
            plan.take(number, candidates[0], "place")


def _leave_out(plan: Plan) -> None:
    taken = plan.taken()
    stubs = {plan.entries[number]["digest"] for number in plan.answers()}
    names = {plan.entries[number]["id"]: plan.entries[number]["type"] for number in plan.answers()}
    for cell in plan.own:
        kind = names.get(cells.grade_id(cell) or "")
        stub = cells.source_digest(cell["source"]) in stubs or (
            kind is not None and answers.is_stub(cell["source"], kind)
        )
        if id(cell) not in taken and stub:
            plan.left_out.add(id(cell))
    for number, twins in plan.twins.items():
        if twins and plan.how[number] == "name" and (whole := _whole(plan, number)) is not None:
            plan.joined[number] = whole
            plan.left_out |= {id(cell) for cell in twins}


def _whole(plan: Plan, number: int) -> str | None:
    """What the pieces of a cell that was split give together; None where they are copies."""
    entry, counts = plan.entries[number], plan.cell[number]
    same = [cell for cell in plan.own if any(cell is piece for piece in [counts, *plan.twins[number]])]
    whole = "\n".join(cell["source"] for cell in same)
    if cells.is_locked(entry):
        return whole if cells.unchanged({"source": whole}, entry) else None
    first = next(place for place, cell in enumerate(plan.own) if cell is same[0])
    apart = any(answers.wrong(cell["source"], entry["type"]) for cell in same)
    together = all(cell is piece for cell, piece in zip(plan.own[first:], same, strict=False))
    return whole if together and apart and answers.wrong(whole, entry["type"]) is None else None
