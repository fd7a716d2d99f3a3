"""Ways to have a computation with tensors wrong: axes, bounds, graphs, precision, and what is reduced to what."""

from __future__ import annotations

import ast

from advcourse.grading.nodes import (
    REDUCED,
    Nodes,
    axes,
    callee,
    integer,
    keyword_of,
    like,
    made,
    receiver,
    renamed,
    with_axis,
    without,
)
from advcourse.grading.places import Place

CASTS = {"to", "double", "float", "half", "long"}
ASKED = {"model", "defended", "stand_in", "network", "oracle"}


def norm(node: ast.AST, place: Place) -> Nodes:
    """Another norm; a square, a root or an absolute value that is forgotten."""
    name = callee(node)
    if isinstance(node, ast.Call) and name in ("norm", "vector_norm"):
        at = 0 if receiver(node) is not None else 1
        for order in ("1", "2", "float('inf')"):
            if len(node.args) > at:
                yield like(node, args=[*node.args[:at], made(order), *node.args[at + 1 :]])
            elif order != "2":
                yield like(node, args=[*node.args, made(order)])
        yield made("(X) ** 2", X=node)
    on = receiver(node)
    if on is not None and name in ("square", "sqrt", "abs"):
        yield on
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
        yield node.left


def axis(node: ast.AST, place: Place) -> Nodes:
    """The axis beside it."""
    for where, index, dim in axes(node):
        assert isinstance(node, ast.Call)
        value = integer(dim)
        if value is not None:
            for other in (value - 1, value + 1):
                yield with_axis(node, where, index, made(str(other)))
        elif isinstance(dim, ast.Tuple):
            for one in dim.elts:
                yield with_axis(node, where, index, like(dim, elts=[each for each in dim.elts if each is not one]))


def batch(node: ast.AST, place: Place) -> Nodes:
    """One number or one decision for all images, where each has its own."""
    if isinstance(node, ast.Call) and callee(node) in REDUCED:
        for where, index, _ in axes(node):
            held = list(getattr(node, where))
            del held[index]
            yield without(like(node, **{where: held}), "keepdim")
    if callee(node) in ("any", "all") and isinstance(node, ast.Call):
        yield renamed(node, "all" if callee(node) == "any" else "any")
    if isinstance(node, ast.Compare) and place.is_tensor(node):
        for how in ("any", "all"):
            yield made(f"(C).{how}().expand_as(C)", C=node)


def first(node: ast.AST, place: Place) -> Nodes:
    """What holds for the first image is taken for all."""
    if isinstance(node, ast.Compare) and place.is_tensor(node):
        yield made("(C)[:1].expand_as(C)", C=node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in ("labels", "targets"):
        yield made("(C)[:1].expand_as(C)", C=node)


def clamp(node: ast.AST, place: Place) -> Nodes:
    """A bound that is forgotten, on both sides or on one."""
    name, on = callee(node), receiver(node)
    if not isinstance(node, ast.Call):
        return
    if on is not None and name in ("clamp", "clip", "clamp_min", "clamp_max", "relu", "maximum", "minimum", "round"):
        yield on
    if on is not None and name in ("clamp", "clip") and len(node.args) == 2:
        yield made("(X).clamp(max=B)", X=on, B=node.args[1])
        yield made("(X).clamp(min=A)", X=on, A=node.args[0])
    if on is None and name in ("maximum", "minimum"):
        yield from node.args[:2]


def detach(node: ast.AST, place: Place) -> Nodes:
    """No copy, a graph that goes on, or one that is not made."""
    on = receiver(node)
    if on is not None and callee(node) in ("detach", "clone", "requires_grad_"):
        yield on
    if isinstance(node, ast.Call) and keyword_of(node, "create_graph") is not None:
        yield without(node, "create_graph")


def dtype(node: ast.AST, place: Place) -> Nodes:
    """Numbers of another precision."""
    on = receiver(node)
    if not isinstance(node, ast.Call):
        return
    if on is not None and callee(node) in CASTS:
        yield on
    kind = keyword_of(node, "dtype")
    if kind is not None:
        yield without(node, "dtype")
        if ast.unparse(kind) == "torch.float64":
            yield like(
                node, keywords=[like(k, value=made("torch.float32")) if k.arg == "dtype" else k for k in node.keywords]
            )


def reduction(node: ast.AST, place: Place) -> Nodes:
    """The mean for the sum, the variance for the deviation."""
    if not isinstance(node, ast.Call):
        return
    for index, each in enumerate(node.keywords):
        if each.arg == "reduction" and isinstance(each.value, ast.Constant):
            for other in ("sum", "mean"):
                changed = like(each, value=ast.Constant(other))
                yield like(node, keywords=[*node.keywords[:index], changed, *node.keywords[index + 1 :]])
    named = {"sum": "mean", "mean": "sum", "var": "std", "std": "var", "logsumexp": "amax"}.get(callee(node))
    if named and isinstance(node.func, ast.Attribute):
        yield renamed(node, named)
    if callee(node) in ("var", "std"):
        yield like(node, keywords=[*node.keywords, ast.keyword("correction", ast.Constant(0))])


def probabilities(node: ast.AST, place: Place) -> Nodes:
    """Probabilities, or their logarithms, for logits."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in ASKED & set(place.arguments()):
        yield made("(X).softmax(1)", X=node)
    if callee(node) == "cross_entropy" and node.args:
        yield like(node, args=[made("(X).softmax(1)", X=node.args[0]), *node.args[1:]])
    named = {"softmax": "log_softmax", "log_softmax": "softmax"}.get(callee(node))
    if named:
        yield renamed(node, named)


def random(node: ast.AST, place: Place) -> Nodes:
    """Numbers drawn from the global generator; another distribution."""
    if isinstance(node, ast.Call) and keyword_of(node, "generator") is not None:
        yield without(node, "generator")
        other = {"rand": "randn", "randn": "rand"}.get(callee(node))
        if other:
            yield renamed(node, other)
