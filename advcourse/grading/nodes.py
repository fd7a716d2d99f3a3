"""Pieces of syntax trees: templates that are filled, calls that are changed, and what they call."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from typing import Any, cast

REDUCED = {"sum", "mean", "amax", "amin", "max", "min", "any", "all", "norm", "logsumexp", "std", "var", "prod"}
ALONG = REDUCED - {"norm"} | {"argmax", "argmin", "flatten", "unsqueeze", "squeeze", "softmax", "log_softmax", "topk"}
ALONG |= {"gather", "scatter", "index_add_", "index_add", "index_select", "unbind", "sort", "argsort", "cumsum"}
ALONG |= {"transpose", "stack", "cat"}

Nodes = Iterator[ast.AST]


def made(template: str, **parts: ast.AST) -> ast.expr:
    """The expression of a template, with nodes in the place of the names that are given."""
    return cast(ast.expr, _filled(ast.parse(template, mode="eval").body, parts))


def steps(template: str, **parts: ast.AST) -> list[ast.stmt]:
    """The statements of a template, filled in the same way."""
    return [cast(ast.stmt, _filled(each, parts)) for each in ast.parse(template).body]


def _filled(node: ast.AST, parts: dict[str, ast.AST]) -> ast.AST:
    class Fill(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.AST:
            return copy.deepcopy(parts.get(name.id, name))

    return Fill().visit(node)


def callee(node: ast.AST) -> str:
    """The last name of what is renamed; empty where nothing is."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def receiver(node: ast.AST) -> ast.expr | None:
    """What a method is renamed on; None where a function of a library is renamed."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    root = ast.unparse(node.func.value)
    return None if re.fullmatch(r"(torch|F|nn|math|np|functional)(\.\w+)*", root) else node.func.value


def like(node: ast.AST, **changes: Any) -> Any:
    """The same node, but for these fields."""
    new = copy.copy(node)
    for name, value in changes.items():
        setattr(new, name, value)
    return new


def renamed(node: ast.Call, name: str) -> ast.AST:
    """The same call of a function of another name."""
    func = node.func
    return like(node, func=like(func, **{"attr" if isinstance(func, ast.Attribute) else "id": name}))


def without(node: ast.Call, *keywords: str) -> ast.Call:
    """The call without these keywords."""
    return like(node, keywords=[each for each in node.keywords if each.arg not in keywords])


def keyword_of(node: ast.AST, name: str) -> ast.expr | None:
    """What a call has for a keyword; None where it has none."""
    return next((k.value for k in getattr(node, "keywords", []) if k.arg == name), None)


def integer(node: ast.AST | None) -> int | None:
    """The integer that a node writes down, if it does."""
    try:
        value = ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError, SyntaxError):
        return None
    return value if type(value) is int else None


def axes(node: ast.AST) -> Iterator[tuple[str, int, ast.expr]]:
    """Where a call names axes: in which list, at which place, and what stands there."""
    if not isinstance(node, ast.Call):
        return
    for index, each in enumerate(node.keywords):
        if each.arg in ("dim", "axis", "dims"):
            yield "keywords", index, each.value
    if callee(node) in ALONG and isinstance(node.func, ast.Attribute):
        start = 0 if receiver(node) is not None else 1
        start += callee(node) == "topk"
        for index in range(start, min(len(node.args), start + 2 if callee(node) == "transpose" else start + 1)):
            yield "args", index, node.args[index]


def with_axis(node: ast.Call, where: str, index: int, new: ast.expr) -> ast.Call:
    """The call with another axis at that place, as ``axes`` tells it."""
    held = list(getattr(node, where))
    held[index] = like(held[index], value=new) if where == "keywords" else new
    return like(node, **{where: held})
