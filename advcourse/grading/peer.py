"""One end of a conversation of two processes: values cross by name or by content, and calls go both ways.

What a function was given is the same thing on both sides while it runs: a tensor that one side overwrites, a gradient
that it leaves, a mode that it switches, a generator that it draws from are brought up to date with every frame.
Functions and models stay where they are and are called from the other side; their gradients too, to any order.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.core.private_torch import is_transformed
from advcourse.grading import mirrors, tracks
from advcourse.grading.graphs import Arrived, Far, leaves_under
from advcourse.grading.values import Values
from advcourse.grading.wire import Clock, Wire, WireError

LONGEST_MESSAGE = 4000
"""Characters of an error's text that cross."""

MOST_ERRORS = 1000
"""Errors of the test's own functions that are kept until the test is over, so that they come back as they were."""

SERVICES = ("call", "copy", "next", "attribute", "pull")
"""What a submission may ask of the process that grades, with things that it was given there and no others."""


class FarError(RuntimeError):
    """An error of a kind that has no name on this side."""


class Peer:
    """One end.

    Args:
        wire: the frames.
        trusted: whether this is the end that grades: it takes numbers, texts and containers of them, nothing that
            names a class or a function.
        seconds: that the other side has for an answer; None waits for ever.

    Attributes:
        lost: what ended the conversation.
    """

    def __init__(self, wire: Wire, *, trusted: bool, seconds: float | None = None):
        self.wire, self.trusted, self.seconds = wire, trusted, seconds
        self.named: Callable[[str], Any] = _nothing
        self.watch: Callable[[], None] = _no_more
        self.clock = Clock(None, None)
        self.services: dict[str, Callable[..., Any]] = {}
        self.raised: list[BaseException] = []
        self.lost: WireError | None = None
        self.graphs: dict[int, tuple[Tensor, list[Tensor]]] = {}
        self.depth = self.count = 0
        self.known: dict[str, Any] = {}
        self.keys: dict[int, str] = {}
        self.forget()

    # -- what is known

    def forget(self) -> None:
        """End a scope: tensors, models and generators that were known are known no more; graphs are kept."""
        changing = (Tensor, nn.Module, torch.Generator)
        self.known = {key: thing for key, thing in self.known.items() if not isinstance(thing, changing)}
        self.keys = {id(thing): key for key, thing in self.known.items()}
        self.tracked: dict[str, tracks.Track] = {"rng": tracks.DrawTrack(torch.default_generator)}
        self.leaves: dict[int, str] = {}
        self.born: list[str] = []

    def clear(self) -> None:
        """Let go of everything, graphs too."""
        self.known.clear()
        self.forget()
        self.graphs.clear()
        self.raised.clear()

    def over(self, *, everything: bool = False) -> None:
        """End the scope on both sides; ``everything``: let go of graphs and functions too."""
        mode = torch.is_grad_enabled()
        with contextlib.suppress(Exception):  # whoever asks next will learn of it
            self.ask("clear" if everything else "forget")
        (self.clear if everything else self.forget)()
        torch.set_grad_enabled(mode)

    def add(self, thing: Any, key: str | None = None, *, lasting: bool = False) -> str:
        """A thing that both sides will know under that key; a ``lasting`` tensor belongs to a model."""
        if key is None:
            self.count += 1
            key = f"{'t' if self.trusted else 's'}{self.count}"
        elif key in self.known:
            raise WireError(f"{key} came twice")
        self.known[key] = thing
        self.keys[id(thing)] = key
        if (track := tracks.of(thing)) is not None:
            self.tracked[key] = track
        if isinstance(thing, Tensor):
            if not lasting:
                self.born.append(key)
            if thing.is_leaf:
                self.leaves[id(thing)] = key
        return key

    @contextlib.contextmanager
    def passing(self, drop: bool) -> Iterator[None]:
        """Tensors that become known inside, those of models excepted, are known inside only."""
        before, self.born = self.born, []
        try:
            yield
        finally:
            for key in self.born if drop else []:
                self.tracked.pop(key, None)
                for thing in (self.known.pop(key, None), self.known.pop(f"{key}/leaf", None)):
                    self.keys.pop(id(thing), None)
                    self.leaves.pop(id(thing), None)
            self.born = before

    def find(self, key: Any) -> Any:
        try:
            return self.known[key]
        except (KeyError, TypeError):
            raise WireError(f"nothing is known as {key!r}") from None

    def leaf(self, key: str) -> Tensor:
        """What is known under that key, as a leaf: of a tensor with a graph a stand-in that shares its numbers."""
        thing = self.find(key)
        if not isinstance(thing, Tensor) or thing.is_leaf:
            return thing
        stand_in = self.known.get(f"{key}/leaf")
        if stand_in is None:
            stand_in = thing.detach().requires_grad_(thing.requires_grad)
            self.known[f"{key}/leaf"], self.keys[id(stand_in)], self.leaves[id(stand_in)] = stand_in, key, key
        return stand_in

    # -- frames

    def _send(self, operation: str, value: Any, *, answering: bool = False) -> None:
        values = Values(self, answering)
        changes = [change for key, track in self.tracked.items() for change in track.changes(key, values)]
        payload = values.put(value)
        self.wire.send([operation, torch.is_grad_enabled(), changes, payload], values.blocks, self.seconds)

    def _receive(self) -> tuple[str, bool, Any, Values]:
        message, blocks = self.wire.receive(self.seconds)
        self.clock.check("no answer came")
        self.watch()
        values = Values(self, False, blocks)
        if not (isinstance(message, list) and len(message) == 4 and isinstance(message[2], list)):
            raise WireError("what came is no message")
        operation, grad, changes, payload = message
        for change in changes:
            tracks.apply(self, change, values)
        return str(operation), bool(grad), payload, values

    def ask(self, operation: str, *given: Any) -> Any:
        """Have the other side do something; what it asks meanwhile is answered.

        Raises:
            WireError: where it does not come to an answer.
            Exception: what it raised: the very exception where it came from here, a built-in one of that name, or
                ``FarError``.
        """
        if self.lost is not None:
            raise self.lost
        try:
            return self._asked(operation, list(given))
        except WireError as error:
            self.lost = self.lost or error
            raise

    def _asked(self, operation: str, given: list[Any]) -> Any:
        mode = torch.is_grad_enabled()
        if not self.depth:
            self.clock = Clock(self.seconds, self.wire.spent)
        with self.passing(self.depth > 0):
            self._send(operation, given)
            while True:
                operation, grad, payload, values = self._receive()
                if operation == "answer":
                    result = values.get(payload)
                    if not self.depth:
                        mode = grad
                    torch.set_grad_enabled(mode)
                    return result
                if operation == "raise":
                    torch.set_grad_enabled(mode if self.depth else grad)
                    raise self._error(values.get(payload))
                self._serve(operation, grad, payload, values)
                torch.set_grad_enabled(mode)

    def serve(self) -> None:
        """Answer until the other side is gone."""
        while True:
            self._serve(*self._receive())

    def _serve(self, operation: str, grad: bool, payload: Any, values: Values) -> None:
        service = self.services.get(operation) or getattr(self, f"on_{operation}", None)
        if service is None or (self.trusted and operation not in SERVICES):
            raise WireError(f"{operation!r} came, which is no request")
        with self.passing(self.trusted or self.depth > 0):
            self.depth += 1
            try:
                torch.set_grad_enabled(grad)
                try:
                    self._send("answer", service(*values.get(payload)), answering=True)
                except WireError:
                    raise
                except BaseException as error:
                    self._send("raise", self._told(error), answering=True)
            finally:
                self.depth -= 1

    def _told(self, error: BaseException) -> list[Any]:
        origin = getattr(error, "_origin", None)
        if self.trusted:
            origin = self._kept(error)
        kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
        return [kinds, str(error)[:LONGEST_MESSAGE], origin]

    def _kept(self, error: BaseException) -> int | None:
        """A number under which an error is kept, without the frames that it came through and what lies in them."""
        if len(self.raised) >= MOST_ERRORS:
            return None
        chain: BaseException | None = error
        while chain is not None and chain.__traceback__ is not None:
            chain.__traceback__ = None
            chain = chain.__context__
        self.raised.append(error)
        return len(self.raised) - 1

    def _error(self, told: Any) -> BaseException:
        try:
            kinds, text, origin = told
            text = str(text)[:LONGEST_MESSAGE]
            kinds = [str(each) for each in kinds] or [""]
        except (TypeError, ValueError):
            return FarError("an error without a name")
        if self.trusted and type(origin) is int and 0 <= origin < len(self.raised):
            return self.raised[origin]
        kind = next(
            (k for k in map(tracks.exception_of if self.trusted else tracks.any_exception_of, kinds) if k), None
        )
        if kind is None:
            return FarError(f"{kinds[0]}: {text}")
        try:
            error = kind(text)
        except Exception:
            error = FarError(f"{kinds[0]}: {text}")
        if not self.trusted:
            error._origin = origin  # type: ignore[attr-defined]
        return error

    # -- calls

    def call(
        self, target: Any, given: Sequence[Any], named: dict[str, Any], instead: dict[str, Any] | None = None
    ) -> Any:
        """Call what the other side knows as ``target``.

        Args:
            instead: functions to be used there, during the call, in the place of those with these names.
        """
        if is_transformed():
            return self._call_transformed(target, given, named)
        return self.ask("call", target, list(given), named, instead or {})

    def on_call(self, target: Any, given: list, named: dict, instead: dict) -> Any:
        function = self.named(target) if isinstance(target, str) else self._given(target)
        if not callable(function):
            raise TypeError(f"{target!r} cannot be called")
        with self.services["instead"](instead) if instead else contextlib.nullcontext():
            if isinstance(function, nn.Module) and "_swapped" in named:
                return mirrors.called(function, tuple(given), named)
            return function(*given, **named)

    def _given(self, thing: Any) -> Any:
        """The thing, if this side may do something with it: the one that grades with its own alone."""
        if self.trusted and not self.keys.get(id(thing), "").startswith("t"):
            raise TypeError(f"{type(thing).__name__} is nothing that was given")
        return thing

    def on_copy(self, module: nn.Module) -> nn.Module:
        if not isinstance(self._given(module), nn.Module):
            raise TypeError(f"{type(module).__name__} is no model")
        return copy.deepcopy(module)

    def on_forget(self) -> None:
        self.forget()

    def on_clear(self) -> None:
        self.clear()

    def on_next(self, iterator: Any) -> list[Any]:
        if not hasattr(self._given(iterator), "__next__"):
            raise TypeError(f"{type(iterator).__name__} is no iterator")
        return list(itertools.islice(iterator, 1))

    def on_attribute(self, thing: Any, name: str) -> Any:
        if name not in tracks.open_names(self._given(thing)):
            raise AttributeError(f"{type(thing).__name__} has no attribute {name} that crosses")
        return getattr(thing, name)

    # -- graphs

    def keep(self, tensor: Tensor, inputs: list[Tensor]) -> int:
        """A number under which the graph of a tensor is kept."""
        self.count += 1
        self.graphs[self.count] = tensor, inputs
        return self.count

    def on_pull(self, graph: int, gradient: Tensor, create: bool) -> list[Any]:
        if graph not in self.graphs:
            raise WireError(f"no graph is kept as {graph!r}")
        tensor, inputs = self.graphs[graph]
        with torch.enable_grad():
            options = {"retain_graph": True, "create_graph": create, "allow_unused": True}
            found = torch.autograd.grad(tensor, inputs, gradient.to(tensor.dtype), **options)
        return [self._with_graph(each, [gradient, *inputs], create) for each in found]

    def _with_graph(self, found: Tensor | None, inputs: list[Tensor], create: bool) -> list[Any] | None:
        if found is None:
            return None
        if not create or found.grad_fn is None:
            return [found.detach(), None, []]
        under = {id(leaf) for leaf in leaves_under(found)}
        places = [place for place, each in enumerate(inputs) if id(each) in under]
        return [found.detach(), self.keep(found, [inputs[place] for place in places]), places]

    def arrived(self, value: Tensor, graph: int, inputs: Sequence[Tensor]) -> Tensor:
        """Numbers that came, with their graph to tensors that are here."""
        places = list(range(len(inputs)))
        if not any(each.requires_grad for each in inputs):  # the graph leads to something of the other side alone
            inputs, places = [torch.zeros((), requires_grad=True)], []
        with torch.enable_grad():
            return Arrived.apply(Far(lambda _: (value, graph, places), self.pull), *inputs)[0]

    def pull(self, graph: Tensor, gradient: Tensor, inputs: Sequence[Tensor], create: bool) -> list[Tensor | None]:
        """Gradients with respect to what a far tensor depends on."""
        if is_transformed():
            return [self._pull_one(graph, gradient, inputs, place) for place in range(len(inputs))]
        with torch.no_grad():
            answer = self.ask("pull", int(graph), gradient.detach().requires_grad_(create), create)
        found: list[Tensor | None] = []
        for each in answer:
            if each is None or each[1] is None:
                found.append(None if each is None else each[0])
            else:
                found.append(self.arrived(each[0], each[1], [[gradient, *inputs][place] for place in each[2]]))
        return found

    def _pull_one(self, graph: Tensor, gradient: Tensor, inputs: Sequence[Tensor], place: int) -> Tensor:
        def make(given: Sequence[Tensor]) -> tuple[Tensor, int, list[int]]:
            found = self.ask("pull", int(given[0]), given[1].detach().requires_grad_(), True)[place]
            if found is None:
                return torch.zeros_like(given[place + 2]), 0, []
            return found[0], found[1] or 0, [each + 1 for each in found[2]]

        return Arrived.apply(Far(make, self.pull), graph, gradient, *inputs)[0]

    def _call_transformed(self, target: Any, given: Sequence[Any], named: dict[str, Any]) -> Tensor:
        """Under a transform of ``torch.func`` tensors are wrapped; what runs inside ``Arrived`` sees them bare."""
        places = [i for i, each in enumerate(given) if isinstance(each, Tensor)]
        others = [leaf for key, leaf in self.known.items() if key in self.leaves.values() and leaf.requires_grad]

        def make(inputs: Sequence[Tensor]) -> tuple[Tensor, int, list[int]]:
            bare = list(given)
            for place, each in zip(places, inputs, strict=False):
                bare[place] = each.detach().requires_grad_(each.is_floating_point())
            with torch.enable_grad():
                result = self.ask("call", target, bare, named, {})
            if not isinstance(result, Tensor):
                raise TypeError("under torch.func a model has to answer with one tensor")
            under = {id(leaf) for leaf in leaves_under(result)}
            leaves = [bare[place] for place in places] + others
            found = [n for n, each in enumerate(leaves) if id(each) in under]
            return result.detach(), self.keep(result, [leaves[n] for n in found]), found

        local = Far(make, self._pull_here)
        return Arrived.apply(local, *(given[place] for place in places), *others)[0]

    def _pull_here(
        self, graph: Tensor, gradient: Tensor, inputs: Sequence[Tensor], create: bool
    ) -> list[Tensor | None]:
        """Through a graph of this side, for a tensor that was made under a transform."""

        def one(place: int) -> Tensor:
            def make(given: Sequence[Tensor]) -> tuple[Tensor, int, list[int]]:
                tensor, leaves = self.graphs[int(given[0])]
                cotangent = given[1].detach().requires_grad_()
                with torch.enable_grad():
                    found = torch.autograd.grad(
                        tensor, leaves, cotangent, create_graph=True, retain_graph=True, allow_unused=True
                    )[place]
                made = self._with_graph(found, [cotangent, *leaves], True)
                if made is None:
                    return torch.zeros_like(given[place + 2]), 0, []
                return made[0], made[1] or 0, [each + 1 for each in made[2]]

            return Arrived.apply(Far(make, self._pull_here), graph, gradient, *inputs)[0]

        return [one(place) for place in range(len(inputs))]


def _no_more() -> None:
    pass


def _nothing(name: str) -> Any:
    raise NameError(f"name '{name}' is not defined")
