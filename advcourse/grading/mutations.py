"""Mutants of an answer: the master's solution with one thing changed, as a student might have it wrong.

``mutants`` changes what stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` of one cell, on its syntax tree.
The ways are in ``expressions`` and ``statements``: each has the name of an operator, such as ``sign`` or ``clamp``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from advcourse.grading.places import Place, models_of, tensors_of

BEGIN, END = re.compile(r"\s*### BEGIN SOLUTION"), re.compile(r"\s*### END SOLUTION")

Replacement = ast.AST | list[ast.stmt]


@dataclass(frozen=True)
class Mutant:
    """One changed answer.

    Attributes:
        cell: the answer's cell.
        function: the function in which it is changed, ``Class.method`` in a class.
        operator: the way in which it is changed.
        line: of the cell, from 1.
        before: the statement, in one line.
        after: the statement, or what stands in its place.
        source: the cell with the change.
        number: 2, 3, … where the same name came before.
    """

    cell: str
    function: str
    operator: str
    line: int
    before: str
    after: str
    source: str
    number: int = 1

    @property
    def name(self) -> str:
        """What an excuse calls it; it stays as long as the statement does."""
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.function} | {self.operator} | {self.before} -> {self.after}{again}"

    def diff(self) -> str:
        """The statement before and after."""
        return f"line {self.line}, {self.operator}\n  - {self.before}\n  + {self.after}"


Operator = Callable[[ast.AST, Place], Iterator[Replacement]]


def mutants(source: str, operators: dict[str, Operator], cell: str = "") -> list[Mutant]:
    """All mutants of the solutions in a cell, each once, in the order of their lines.

    Args:
        source: the master's cell, with its markers.
        operators: by name, ``OPERATORS`` of ``mutate``.
        cell: its name.

    Raises:
        ValueError: where the cell is no Python.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"the answer {cell} is something else, expected Python: {error}") from error
    spans, seen, found = _spans(source), {ast.unparse(tree)}, list[Mutant]()
    for node, place, qualified in _sites(tree, spans):
        for name, operator in operators.items():
            for new in operator(node, place):
                made = _changed(tree, node, place, new)
                if made is None or made[2] in seen:
                    continue
                seen.add(made[2])
                found.append(Mutant(cell, qualified, name, node.lineno, *made))  # type: ignore[attr-defined]
    found.sort(key=lambda mutant: mutant.line)
    counts, numbered = Counter[str](), list[Mutant]()
    for each in found:
        counts[each.name] += 1
        numbered.append(Mutant(**{**vars(each), "number": counts[each.name]}))
    return numbered


def _spans(source: str) -> list[range]:
    lines = source.splitlines()
    begins = [number for number, line in enumerate(lines, 1) if BEGIN.match(line)]
    ends = [number for number, line in enumerate(lines, 1) if END.match(line)]
    return [range(begin, end) for begin, end in zip(begins, ends, strict=True)]


def _sites(tree: ast.Module, spans: list[range]) -> Iterator[tuple[ast.AST, Place, str]]:
    """Every node of the solutions that has a line, with its place and the name of its function."""
    classes = [(each, f"{each.name}.") for each in tree.body if isinstance(each, ast.ClassDef)]
    holders: list[tuple[ast.Module | ast.ClassDef, str]] = [(tree, ""), *classes]
    for holder, prefix in holders:
        for function in holder.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            inside = [each for each in function.body if any(each.lineno in span for span in spans)]
            if inside:
                place = Place(function, inside[0], tensors_of(function), models_of(function))
                above = [tree] if holder is tree else [tree, holder]
                for statement in inside:
                    for node, parents in _walk(statement, [*above, function]):
                        place.parents = parents
                        yield node, place, prefix + function.name


def _walk(node: ast.AST, parents: list[ast.AST]) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    if hasattr(node, "lineno"):
        yield node, parents
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, [*parents, node])


def _changed(tree: ast.Module, node: ast.AST, place: Place, new: Replacement) -> tuple[str, str, str] | None:
    """The statement before and after, and the cell after; None where it is no Python."""
    parent, (name, index) = place.parent, _where(place.parent, node)
    statement = next(each for each in [node, *reversed(place.parents)] if isinstance(each, ast.stmt))
    before, held = _line(statement), getattr(parent, name)
    if index is None:
        setattr(parent, name, new)
    else:
        several = (new or [ast.Pass()]) if isinstance(new, list) else [new]
        setattr(parent, name, [*held[:index], *several, *held[index + 1 :]])
    try:
        whole = ast.unparse(ast.fix_missing_locations(tree))
        if isinstance(new, list):
            after = "; ".join(_line(each) for each in new) or "pass"
        else:
            after = _line(new if statement is node else statement)
        ast.parse(whole)
    except (SyntaxError, ValueError, AttributeError, TypeError):
        return None
    finally:
        setattr(parent, name, held)
    return before, after, whole


def _where(parent: ast.AST, node: ast.AST) -> tuple[str, int | None]:
    for name, value in ast.iter_fields(parent):
        if value is node:
            return name, None
        if isinstance(value, list):
            for index, each in enumerate(value):
                if each is node:
                    return name, index
    raise LookupError("a node is not where it was")


def _line(statement: ast.AST) -> str:
    """A statement in one line; of one that holds several others its head."""
    lines = [line.strip() for line in ast.unparse(ast.fix_missing_locations(statement)).splitlines()]
    holds = isinstance(statement, ast.stmt) and hasattr(statement, "body")
    return lines[0] if holds and len(lines) > 2 else " ".join(lines)
