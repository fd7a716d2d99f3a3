"""Results that keep their graph although it lies in the other process: their gradients are asked for there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from advcourse.core.private_torch import by_rows


@dataclass
class Far:
    """A tensor whose graph is elsewhere.

    Attributes:
        make: inputs -> the tensor's numbers, the number of its graph there, and which inputs it depends on. Called
            once where the numbers came already, and for each pass where a transform of ``torch.func`` is at work.
        pull: ``(graph, gradient, inputs, create_graph) -> gradients`` with respect to the inputs that it depends on.
        places: which those are, after ``make``.
    """

    make: Callable[[Sequence[Tensor]], tuple[Tensor, int, list[int]]]
    pull: Callable[[Tensor, Tensor, Sequence[Tensor], bool], list[Tensor | None]]
    places: list[int] = field(default_factory=list)


class Arrived(torch.autograd.Function):
    """Numbers that came, as a function of inputs that are here; to any order, under ``torch.func`` too.

    The second output is the number of the graph elsewhere: a tensor, so that ``vmap`` gives each row its own.
    """

    @staticmethod
    def forward(far: Far, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        value, graph, far.places = far.make(inputs)
        return value, torch.tensor(graph)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
        ctx.far = inputs[0]
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1], *inputs[1:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        far, (graph, *inputs) = ctx.far, ctx.saved_tensors
        found: list[Tensor | None] = [None] * (len(inputs) + 1)
        pulled = _pulled(far, graph, gradient, [inputs[place] for place in far.places])
        for place, each in zip(far.places, pulled, strict=True):
            found[place + 1] = each
        return tuple(found)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, far: Far, *inputs: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """One pass after the other: what is called elsewhere knows nothing of a further dimension."""
        values, graphs = [], []
        for i in range(info.batch_size):
            row = (x if dim is None else x.select(dim, i) for x, dim in zip(inputs, in_dims[1:], strict=True))
            value, graph = Arrived.apply(far, *row)
            values.append(value)
            graphs.append(graph)
        return (torch.stack(values), torch.stack(graphs)), (0, 0)


def _pulled(far: Far, graph: Tensor, gradient: Tensor, inputs: list[Tensor]) -> list[Tensor | None]:
    """Gradients; one after the other where ``torch.autograd.grad(…, is_grads_batched=True)`` asks for many at once."""
    found = by_rows(lambda row: far.pull(graph, row, inputs, False), gradient)
    return far.pull(graph, gradient, inputs, torch.is_grad_enabled()) if found is None else found


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
