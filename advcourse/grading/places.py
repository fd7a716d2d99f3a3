"""What the text of an answer tells of it: which names are tensors and models, and where a node stands."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from advcourse.grading.nodes import callee, receiver

MODELS = {"model", "critic", "network", "layer", "classifier", "defended", "stand_in"}
"""Names of arguments that are models."""

TENSORS = {"images", "labels", "targets", "points", "adversarial", "logits", "starts", "noise", "real", "fake"}
TENSORS |= {"gradient", "gradients", "weight", "bias", "field", "scores", "clean", "attacked", "transforms"}
"""Names of arguments that are tensors; others are where the answer takes them for one."""

TREATED = {"detach", "clone", "flatten", "dtype", "clamp", "norm", "square", "log_softmax", "softmax", "var", "view"}
NUMBERS = {"item", "numel", "dim", "size", "tolist", "shape", "dtype", "device", "ndim", "is_floating_point"}
BUILT_IN = {
    "len",
    "int",
    "float",
    "range",
    "bool",
    "sum",
    "min",
    "max",
    "sorted",
    "list",
    "tuple",
    "zip",
    "set",
    "dict",
}


@dataclass
class Place:
    """Where a node stands, for an operator that has to look around.

    Attributes:
        parents: the nodes around it, the outermost first.
        function: the graded function.
        first: the first statement of the solution in that function.
        tensors: names of tensors in that function, as far as its text tells.
        models: names of its arguments that are models.
    """

    function: ast.FunctionDef
    first: ast.stmt
    tensors: set[str]
    models: list[str]
    parents: list[ast.AST] = field(default_factory=list)

    @property
    def parent(self) -> ast.AST:
        return self.parents[-1]

    def arguments(self) -> list[str]:
        """Names of the function's arguments."""
        given = self.function.args
        return [each.arg for each in given.posonlyargs + given.args + given.kwonlyargs]

    def is_own(self) -> bool:
        """Whether the node is the function's own, and not of a function inside it."""
        inside = self.parents[self.parents.index(self.function) + 1 :]
        return not any(isinstance(each, ast.FunctionDef | ast.Lambda) for each in inside)

    def is_tensor(self, node: ast.AST) -> bool:
        """Whether an expression is a tensor, as far as its text tells."""
        return is_tensor(node, self.tensors)


def is_tensor(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is a tensor, where these names are."""
    match node:
        case ast.Name():
            return node.id in names
        case ast.Attribute():
            return node.attr not in NUMBERS and is_tensor(node.value, names)
        case ast.Subscript():
            return is_tensor(node.value, names)
        case ast.Call():
            if callee(node) in NUMBERS | (BUILT_IN if isinstance(node.func, ast.Name) else set()):
                return False
            on = receiver(node)
            if on is not None and is_tensor(on, names):
                return True
            return on is None and any(is_tensor(each, names) for each in node.args) or _from_torch(node)
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.IfExp():
            return any(is_tensor(each, names) for each in ast.iter_child_nodes(node))
    return False


def _from_torch(node: ast.Call) -> bool:
    makes = {"zeros", "ones", "full", "rand", "randn", "randint", "arange", "zeros_like", "ones_like", "stack", "cat"}
    return ast.unparse(node.func).startswith("torch.") and callee(node) in makes


def tensors_of(function: ast.FunctionDef) -> set[str]:
    """Names of tensors in a function: arguments that it treats as such, and what it makes of them."""
    arguments = {each.arg for each in function.args.args + function.args.kwonlyargs}
    treated = {
        node.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr in TREATED and isinstance(node.value, ast.Name)
    }
    names = arguments & (TENSORS | treated)
    for _ in range(3):  # names that are used above where they are assigned, in loops
        for node in ast.walk(function):
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple):
                    several = isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(target.elts)
                    values = (
                        node.value.elts
                        if several and isinstance(node.value, ast.Tuple)
                        else [node.value] * len(target.elts)
                    )
                    pairs = list(zip(target.elts, values, strict=True))
                names |= {to.id for to, value in pairs if isinstance(to, ast.Name) and is_tensor(value, names)}
    return names


def models_of(function: ast.FunctionDef) -> list[str]:
    """Names of the arguments that are models: by their name, or a ``generator`` that is called."""
    called = {node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and hasattr(node.func, "id")}
    given = [each.arg for each in function.args.args]
    return [each for each in given if each in MODELS or (each == "generator" and each in called)]
