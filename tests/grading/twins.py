"""Which graded answers stand printed: in a lecture's cell, in a folded solution, or in the library's source.

Two pieces of code are compared as sequences of the nodes of their syntax trees, in which local names, docstrings,
annotations and the order of keywords do not count. The resemblance of an answer to a printed piece is the part of the
answer's nodes that stand in the piece, in order and in runs of at least ``RUN``. What has few nodes resembles much
without being a copy: only from ``SHORT`` nodes on does a part of ``TWIN`` make a twin, below it takes ``COPY``.

    python -m tests.grading.twins [ASSIGNMENT]
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from tests.notebooks.tree import LECTURES, ROOT
from tests.support.notebooks import smaller

from . import bank

RUN = 6
SHORT, TWIN, COPY = 30, 0.4, 0.8
MODULES = {"torch", "F", "nn", "np", "math", "attacks", "evaluation", "structured", "plots"}
"""Bare names that tell what is computed, beside those of functions that are called; all others are left out."""
FOLDED = re.compile(r"^```python\n(.+?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Piece:
    """Printed or graded code: where it stands, and the nodes of its tree."""

    place: str
    nodes: tuple[str, ...]


class _Flat(ast.NodeVisitor):
    """Writes a tree as the sequence of its nodes, the names that the code gives to its own things left out."""

    def __init__(self, own: set[str]):
        self.own, self.nodes = own, []

    def generic_visit(self, node: ast.AST) -> None:
        self.nodes.append(type(node).__name__)
        super().generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_Name(self, node: ast.Name) -> None:
        self.nodes.append(node.id if node.id in MODULES else "name")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.nodes.append(f".{node.attr}")
        self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.nodes.append(repr(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(ast.Assign([node.target], node.value))

    def visit_keyword(self, node: ast.keyword) -> None:
        self.nodes.append(f"{node.arg}=")
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        self.nodes.append("call")
        if isinstance(node.func, ast.Name) and node.func.id not in self.own:
            self.nodes.append(node.func.id)
        else:
            self.visit(node.func)
        for part in (*node.args, *sorted(node.keywords, key=lambda k: k.arg or "")):
            self.visit(part)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # no docstring
            self.visit(node.value)

    def visit_Load(self, node: ast.AST) -> None:
        pass

    visit_Store = visit_Del = visit_Load


def _own(tree: ast.AST) -> set[str]:
    """Names that a piece gives away itself: parameters, and what it assigns."""
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return names | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def nodes(tree: ast.AST) -> tuple[str, ...]:
    flat = _Flat(_own(tree))
    flat.visit(tree)
    return tuple(flat.nodes)


def functions(source: str) -> Iterator[ast.FunctionDef]:
    """Every function of a source, methods and inner ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            yield node


def graded(assignment: str) -> dict[str, Piece]:
    """The functions that a student of an assignment writes, by name; their points hang on them."""
    written = {cell["id"] for cell in bank.master(assignment)["cells"] if cell["cell_type"] != "code"}
    sources = [source for cell, source in bank.solutions(assignment).items() if cell not in written]
    found = [function for source in sources for function in functions(source)]
    return {each.name: Piece(f"{assignment} {each.name}", nodes(each)) for each in found}


def pieces(place: str, source: str) -> Iterator[Piece]:
    """A source's functions, each for itself, and what stands outside of them, together."""
    tree = ast.parse(source)
    for function in functions(source):
        yield Piece(f"{place}: {function.name}", nodes(function))
    rest = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if rest:
        yield Piece(place, nodes(ast.Module(rest, [])))


@cache
def printed() -> tuple[Piece, ...]:
    """All code that a student has before him: the lectures' cells and folded solutions, and the library."""
    found: list[Piece] = []
    for path in LECTURES:
        for i, cell in enumerate(nbformat.reads(smaller(path.read_text(encoding="utf-8"), by=2), as_version=4).cells):
            blocks = [cell.source] if cell.cell_type == "code" else FOLDED.findall(cell.source)
            for block in blocks:
                found += _parsed(f"{path.stem} [{i}]", TransformerManager().transform_cell(block))
    for path in sorted((ROOT / "advcourse").rglob("*.py")):
        if path.parts[-2] != "grading":
            found += _parsed(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    return tuple(found)


def _parsed(place: str, source: str) -> list[Piece]:
    try:
        return list(pieces(place, source))
    except SyntaxError:  # a sketch, not a program
        return []


def resemblance(answer: tuple[str, ...], piece: tuple[str, ...]) -> float:
    """The part of an answer's nodes that stand in a piece, in order, in runs of at least ``RUN``."""
    runs = SequenceMatcher(None, answer, piece, autojunk=False).get_matching_blocks()
    return sum(run.size for run in runs if run.size >= min(RUN, len(answer))) / len(answer)


def limit(answer: tuple[str, ...]) -> float:
    """The resemblance from which on an answer is a twin."""
    return TWIN if len(answer) >= SHORT else COPY


def nearest(answer: tuple[str, ...], among: Iterable[Piece]) -> tuple[float, str]:
    """The piece that an answer resembles most, of those that could make it a twin; (0, "") where there is none."""
    counted, best = Counter(answer), (0.0, "")
    for piece in among:
        at_most = (counted & Counter(piece.nodes)).total() / len(answer)
        if at_most >= max(limit(answer), best[0]):
            best = max(best, (resemblance(answer, piece.nodes), piece.place))
    return best


if __name__ == "__main__":
    for assignment in sys.argv[1:] or bank.assignments():
        for name, piece in graded(assignment).items():
            part, place = nearest(piece.nodes, printed())
            told = f"{part:4.0%} {place}" if part else "   - "
            twin = "TWIN" if part >= limit(piece.nodes) else ""
            print(f"{assignment:<24} {name:<22} {len(piece.nodes):>4} nodes {twin:4} {told}", flush=True)
