"""Results that keep their graph although it lies in the other process: their gradients are asked for there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass
class Far:
    """A tensor whose graph is elsewhere.

    Attributes:
        make: inputs -> the tensor's numbers, the number of its graph there, and which inputs it depends on. Called
            once where the numbers came already, and for each pass where a transform of ``torch.func`` is at work.
        pull: ``(graph, gradient, create_graph) -> gradients`` with respect to what it depends on there, in order.
    """

    make: Callable[[Sequence[Tensor]], tuple[Tensor, int, list[int]]]
    pull: Callable[[int, Tensor, Sequence[Tensor], bool], list[Tensor | None]]


class Arrived(torch.autograd.Function):
    """Numbers that came, as a function of inputs that are here; to any order, under ``torch.func`` too."""

    @staticmethod
    def forward(far: Far, *inputs: Tensor) -> tuple[Tensor, Any]:
        value, graph, places = far.make(inputs)
        return value, (graph, places)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, Any]) -> None:
        ctx.far, ctx.count = inputs[0], len(inputs)
        ctx.graph, ctx.places = output[1]
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: None) -> tuple[Tensor | None, ...]:
        chosen = [ctx.saved_tensors[place] for place in ctx.places]
        found: list[Tensor | None] = [None] * ctx.count
        pulled = ctx.far.pull(ctx.graph, gradient, chosen, torch.is_grad_enabled())
        for place, each in zip(ctx.places, pulled, strict=True):
            found[place + 1] = each
        return tuple(found)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, far: Far, *inputs: Tensor) -> tuple[tuple[Tensor, None], tuple]:
        """One pass after the other: what is called elsewhere knows nothing of a further dimension."""
        rows = [
            Arrived.apply(
                far, *(x if dim is None else x.select(dim, i) for x, dim in zip(inputs, in_dims[1:], strict=True))
            )[0]
            for i in range(info.batch_size)
        ]
        return (torch.stack(rows), None), (0, None)


def leaves_under(tensor: Tensor) -> list[Tensor]:
    """The leaves that a tensor's graph leads to, each once."""
    found: dict[int, Tensor] = {}
    seen, waiting = set(), [tensor.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None:
            found[id(variable)] = variable
        waiting += [following for following, _ in node.next_functions]
    return list(found.values())


def is_transformed() -> bool:
    """Whether a transform of ``torch.func`` is under way."""
    return torch._C._functorch.peek_interpreter_stack() is not None
