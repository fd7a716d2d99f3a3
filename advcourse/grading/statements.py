"""Ways to have a statement wrong, or one too few or too many: what is left behind in models, inputs and generators."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from advcourse.grading.expressions import EXPRESSIONS
from advcourse.grading.mutations import Operator, Replacement
from advcourse.grading.nodes import callee, made, receiver, steps
from advcourse.grading.places import Place

Changes = Iterator[Replacement]


def _is_first(node: ast.AST, place: Place) -> bool:
    return node is place.first


def _is_result(node: ast.AST, place: Place) -> bool:
    return isinstance(node, ast.Return) and node.value is not None and place.is_own()


def _before_return(node: ast.AST, template: str) -> list[ast.stmt]:
    assert isinstance(node, ast.Return) and node.value is not None
    return [*steps("result = V", V=node.value), *steps(template), ast.Return(made("result"))]


def deleted(node: ast.AST, place: Place) -> Changes:
    """A statement that is forgotten."""
    match node:
        case ast.Expr() | ast.AugAssign():
            yield []
        case ast.Assign():
            names = [each for each in ast.walk(place.function) if isinstance(each, ast.Name)]
            given = set(place.arguments())
            earlier = {n.id for n in names if isinstance(n.ctx, ast.Store) and n.lineno < node.lineno}
            own = [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
            stored = [
                n for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Subscript | ast.Attribute)
            ]
            if stored or set(own) <= given | earlier:
                yield []
        case ast.If():
            yield node.orelse
            yield node.body
        case ast.For() | ast.While():
            yield node.body
        case ast.Try():
            yield [*node.body]


def going_on(node: ast.AST, place: Place) -> Changes:
    """A loop that goes on where it should stop, or the other way round."""
    match node:
        case ast.Break():
            yield []
            yield [ast.Continue()]
        case ast.Continue():
            yield []
            yield [ast.Break()]
        case ast.If():
            yield ast.If(test=made("not (C)", C=node.test), body=node.body, orelse=node.orelse)


def clamped_later(node: ast.AST, place: Place) -> Changes:
    """Bounds that are kept at the end of a loop, and not in every round."""
    if not isinstance(node, ast.For | ast.While):
        return
    for index, step in enumerate(node.body):
        if not isinstance(step, ast.Assign) or not isinstance(step.targets[0], ast.Name):
            continue
        value = step.value
        while receiver(value) is not None and callee(value) in ("clamp", "detach", "maximum", "minimum"):
            assert isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
            if callee(value) != "detach":
                loop = copy.copy(node)
                loop.body = [
                    *node.body[:index],
                    *steps("T = V", T=step.targets[0], V=value.func.value),
                    *node.body[index + 1 :],
                ]
                call = copy.copy(value)
                call.func = ast.Attribute(made(step.targets[0].id), value.func.attr, ast.Load())
                yield [loop, *steps(f"{step.targets[0].id} = V", V=call)]
            value = value.func.value


def graph(node: ast.AST, place: Place) -> Changes:
    """Gradients where none are wanted; a result that has none, or one that wants one."""
    if isinstance(node, ast.With):
        if all(ast.unparse(item.context_expr) == "torch.no_grad()" for item in node.items):
            yield node.body
    if _is_result(node, place):
        assert isinstance(node, ast.Return)
        for value in _results(node, place):
            for how in ("detach()", "requires_grad_()"):
                if (how == "detach()") is not _is_free(place, value):
                    yield _returned(node, value, made(f"(V).{how}", V=value))


def _is_free(place: Place, value: ast.expr) -> bool:
    """Whether a result has no graph, as far as the text tells."""
    text = ast.unparse(place.function)
    taken = "autograd.grad(" in text and "create_graph" not in text
    return taken or "torch.no_grad()" in text or ".detach()" in ast.unparse(value)


def _results(node: ast.Return, place: Place) -> list[ast.expr]:
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    return [each for each in values if each is not None and place.is_tensor(each)]


def _returned(node: ast.Return, old: ast.expr, new: ast.expr) -> ast.Return:
    if node.value is old:
        return ast.Return(new)
    assert isinstance(node.value, ast.Tuple)
    return ast.Return(ast.Tuple([new if each is old else each for each in node.value.elts], ast.Load()))


def result_dtype(node: ast.AST, place: Place) -> Changes:
    """A result of another precision."""
    if _is_result(node, place):
        assert isinstance(node, ast.Return)
        for value in _results(node, place):
            for how in ("float", "double"):
                yield _returned(node, value, made(f"(V).{how}()", V=value))


def overwritten(node: ast.AST, place: Place) -> Changes:
    """What was given is changed in place, or asks for gradients afterwards."""
    if _is_result(node, place):
        for name in place.arguments():
            if name in place.tensors:
                yield _before_return(node, f"{name}.data.zero_()")
                if name not in ("labels", "targets"):
                    yield _before_return(node, f"{name}.requires_grad_()")


def left_gradients(node: ast.AST, place: Place) -> Changes:
    """Gradients that are left in the parameters, or parameters that no longer ask for any."""
    if isinstance(node, ast.Assign) and callee(node.value) == "grad" and place.is_own():
        call, target = node.value, node.targets[0]
        assert isinstance(call, ast.Call)
        if isinstance(target, ast.Tuple) and len(target.elts) == 1 and isinstance(call.args[1], ast.Name):
            yield [
                *steps("(L).backward()", L=call.args[0]),
                *steps(f"{ast.unparse(target.elts[0])} = X.grad", X=call.args[1]),
            ]
    if _is_result(node, place):
        for name in place.models:
            yield _before_return(node, f"for each in {name}.parameters(): each.grad = each.detach().clone()")
            yield _before_return(node, f"{name}.requires_grad_(False)")


def mode(node: ast.AST, place: Place) -> Changes:
    """A model that is put into another mode, before or for good."""
    if isinstance(node, ast.Call) and callee(node) in ("eval", "train") and isinstance(node.func, ast.Attribute):
        yield made(f"(M).{'train' if callee(node) == 'eval' else 'eval'}()", M=node.func.value)
    if _is_first(node, place):
        for name in place.models:
            yield [*steps(f"{name}.eval()"), node]  # type: ignore[list-item]
            yield [*steps(f"{name}.train()"), node]  # type: ignore[list-item]
    if _is_result(node, place):
        for name in place.models:
            yield _before_return(node, f"{name}.eval()")
            yield _before_return(node, f"{name}.train()")


def reseeded(node: ast.AST, place: Place) -> Changes:
    """A generator that is seeded again, global random numbers that are moved where one was given."""
    if _is_first(node, place):
        for name in place.arguments():
            if f"generator={name}" in ast.unparse(place.function):
                yield [*steps("torch.manual_seed(0)"), node]  # type: ignore[list-item]
                yield [*steps(f"{name}.manual_seed(0)"), node]  # type: ignore[list-item]


STATEMENTS: dict[str, Operator] = {
    "deleted": deleted,
    "going on": going_on,
    "clamp": clamped_later,
    "graph": graph,
    "dtype": result_dtype,
    "overwritten": overwritten,
    "gradients": left_gradients,
    "mode": mode,
    "random": reseeded,
}


def _both(one: Operator, other: Operator) -> Operator:
    def operator(node: ast.AST, place: Place) -> Changes:
        yield from one(node, place)
        yield from other(node, place)

    return operator


OPERATORS: dict[str, Operator] = EXPRESSIONS | {
    name: _both(EXPRESSIONS[name], operator) if name in EXPRESSIONS else operator
    for name, operator in STATEMENTS.items()
}
"""By its name, each way to have an answer wrong."""
