"""Ways to have an expression wrong: each takes a node of an answer and gives what a mutant has in its place."""

from __future__ import annotations

import ast

from advcourse.grading import tensor_expressions
from advcourse.grading.mutations import Operator
from advcourse.grading.nodes import Nodes, axes, callee, integer, like, made, renamed, without
from advcourse.grading.places import Place

OPPOSITES = {"max": "min", "amax": "amin", "maximum": "minimum", "clamp_min": "clamp_max", "argmax": "argmin"}
OPPOSITES |= {"idxmax": "idxmin", "topk": "", "argsort": "", "sort": ""}
SYMMETRIC = {"maximum", "minimum", "logaddexp", "zip", "view", "reshape", "expand", "repeat", "rand", "randn", "zeros"}
SYMMETRIC |= {"ones", "transpose", "range", "clamp", "logical_and", "logical_or", "max", "min", "grad", "cross_entropy"}
RANKED = {"topk", "argsort", "sort"}
SHAPED = {"view", "reshape", "expand", "repeat", "view_as", "expand_as"}
BESIDE_IT: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}


def is_size(place: Place) -> bool:
    """Whether a number is an argument of ``view`` and the like."""
    return any(callee(each) in SHAPED for each in place.parents[-2:])


def sign(node: ast.AST, place: Place) -> Nodes:
    """Plus for minus, the largest for the smallest, down for up."""
    match node:
        case ast.BinOp(op=ast.Add()) | ast.AugAssign(op=ast.Add()):
            yield like(node, op=ast.Sub())
        case ast.BinOp(op=ast.Sub()) | ast.AugAssign(op=ast.Sub()):
            yield like(node, op=ast.Add())
        case ast.UnaryOp(op=ast.USub()) if not is_size(place):
            yield node.operand
        case ast.Call():
            name, both = callee(node), OPPOSITES | {small: large for large, small in OPPOSITES.items()}
            if both.get(name) and isinstance(node.func, ast.Attribute) and not name.startswith("arg"):
                yield renamed(node, both[name])
            if name == "grad" and node.args:
                yield like(node, args=[made("-(L)", L=node.args[0]), *node.args[1:]])
            if name == "backward" and isinstance(node.func, ast.Attribute):
                yield like(node, func=like(node.func, value=made("-(L)", L=node.func.value)))


def arithmetic(node: ast.AST, place: Place) -> Nodes:
    """A product for a quotient, an integer division, a square that is a double."""
    if isinstance(node, ast.BinOp | ast.AugAssign):
        others: dict[type[ast.operator], list[type[ast.operator]]] = {
            ast.Mult: [ast.Div],
            ast.Div: [ast.Mult, ast.FloorDiv],
            ast.FloorDiv: [ast.Div],
            ast.Pow: [ast.Mult],
        }
        for other in others.get(type(node.op), []):
            yield like(node, op=other())


def term(node: ast.AST, place: Place) -> Nodes:
    """A factor or a summand that is forgotten."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.MatMult):
        yield node.left
        if not isinstance(node.op, ast.Sub | ast.Div):
            yield node.right


def comparison(node: ast.AST, place: Place) -> Nodes:
    """The comparison beside it, and its opposite."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in BESIDE_IT.get(type(node.ops[0]), []):
            yield like(node, ops=[other()])


def logic(node: ast.AST, place: Place) -> Nodes:
    """And for or, a negation that is forgotten, one of two conditions alone."""
    match node:
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            yield like(node, op=ast.BitOr() if isinstance(node.op, ast.BitAnd) else ast.BitAnd())
            yield node.left
            yield node.right
        case ast.AugAssign(op=ast.BitOr()):
            yield like(node, op=ast.BitAnd())
        case ast.BoolOp():
            yield like(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            yield from node.values
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            yield node.operand
        case ast.IfExp():
            yield node.body
            yield node.orelse


def off_by_one(node: ast.AST, place: Place) -> Nodes:
    """One round too many or too few, the place beside it."""
    if isinstance(node, ast.Call) and callee(node) == "range" and len(node.args) == 1:
        yield made("range(N - 1)", N=node.args[0])
        yield made("range(N + 1)", N=node.args[0])
        yield made("range(1, N)", N=node.args[0])
    is_index = isinstance(place.parent, ast.Subscript) or (
        isinstance(place.parent, ast.Slice | ast.Tuple)
        and any(isinstance(p, ast.Subscript) for p in place.parents[-3:])
    )
    value = integer(node)
    if is_index and value is not None:
        yield made(str(value - 1))
        yield made(str(value + 1))


def ranking(node: ast.AST, place: Place) -> Nodes:
    """The other end of an order."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if callee(node) in ("argmax", "argmin"):
        yield renamed(node, "argmin" if callee(node) == "argmax" else "argmax")
    if callee(node) in RANKED:
        word = (
            ast.keyword("largest", made("False")) if callee(node) == "topk" else ast.keyword("descending", made("True"))
        )
        yield like(without(node, "largest", "descending"), keywords=[*node.keywords, word])


def constant(node: ast.AST, place: Place) -> Nodes:
    """Another number."""
    if not isinstance(node, ast.Constant) or is_size(place):
        return
    if any(dim is node for _, _, dim in axes(place.parent)):
        return
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield from (made(str(other)) for other in (node.value + 1, node.value - 1))
    elif isinstance(node.value, float):
        yield from (made(repr(other)) for other in (node.value * 2, node.value / 2, node.value + 1))


def swap(node: ast.AST, place: Place) -> Nodes:
    """Two arguments, two results or two sides that are exchanged."""
    match node:
        case ast.Call() if len(node.args) > 1 and callee(node) not in SYMMETRIC:
            for i in range(callee(node) == "where", len(node.args) - 1):
                pair = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
                yield like(node, args=pair)
        case ast.Tuple() | ast.List() if len(node.elts) == 2 and not isinstance(place.parent, ast.Subscript):
            yield like(node, elts=[node.elts[1], node.elts[0]])
        case ast.BinOp(op=ast.Sub() | ast.Div() | ast.Pow() | ast.MatMult()):
            yield like(node, left=node.right, right=node.left)


EXPRESSIONS: dict[str, Operator] = {
    "sign": sign,
    "norm": tensor_expressions.norm,
    "axis": tensor_expressions.axis,
    "batch-wide": tensor_expressions.batch,
    "first only": tensor_expressions.first,
    "clamp": tensor_expressions.clamp,
    "detach": tensor_expressions.detach,
    "comparison": comparison,
    "logic": logic,
    "dtype": tensor_expressions.dtype,
    "off by one": off_by_one,
    "reduction": tensor_expressions.reduction,
    "probabilities": tensor_expressions.probabilities,
    "ranking": ranking,
    "arithmetic": arithmetic,
    "constant": constant,
    "swap": swap,
    "term": term,
    "random": tensor_expressions.random,
}
"""By its name, each way to have an expression wrong."""
