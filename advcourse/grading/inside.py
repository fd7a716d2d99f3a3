"""The process in which a submission's own cells run. It is given no test; it answers calls of what the cells define."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from advcourse.grading import banned
from advcourse.grading.peer import Peer
from advcourse.grading.wire import Wire, WireError

MOST_PRINTED = 200_000
"""Characters of a cell's printing that are kept."""

LARGEST_NAMED = 2**20
"""Bytes of a value that tests use by its name."""

MOST_SHOWN = 12
"""Outputs of a cell, figures among them, that are kept."""


def make_shell() -> Any:
    """The shell in which cells will run, as in a notebook."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    with contextlib.suppress(NotImplementedError):  # it knows no event loops, and needs none
        shell.run_line_magic("matplotlib", "inline")
    silent: Any = shell.displayhook  # `run` shows what a cell ends with
    silent.write_output_prompt = silent.write_format_data = lambda *given: None
    return shell


class Cells:
    """An IPython shell, and what the other side may do with it."""

    def __init__(self, peer: Peer):
        self.shell, self.peer = make_shell(), peer
        peer.named = self.named
        peer.services = {"run": self.run, "kinds": self.kinds, "instead": self.instead}

    def named(self, path: str) -> Any:
        """What the cells define under a name, or an attribute of it."""
        first, *others = path.split(".")
        if first not in self.shell.user_ns:
            raise NameError(f"name '{first}' is not defined")
        found = self.shell.user_ns[first]
        for each in others:
            found = getattr(found, each)
        return found

    @contextlib.contextmanager
    def instead(self, functions: dict[str, Any]) -> Iterator[None]:
        """Other functions under these names."""
        names = self.shell.user_ns
        kept = {name: names[name] for name in functions if name in names}
        names.update(functions)
        try:
            yield
        finally:
            for name in functions:
                names.pop(name, None)
            names.update(kept)

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell: whether it came through, and its outputs as a notebook has them."""
        from IPython.utils.capture import capture_output

        self.shell.showtraceback = self.shell._showtraceback = lambda *given, **named: None
        with capture_output() as captured:
            result = self.shell.run_cell(source, store_history=False)
        outputs: list[dict[str, Any]] = []
        for name in ("stdout", "stderr"):
            if text := getattr(captured, name):
                outputs.append({"output_type": "stream", "name": name, "text": text[:MOST_PRINTED]})
        for shown in captured.outputs[:MOST_SHOWN]:
            data = {kind: shown.data[kind] for kind in ("image/png", "text/plain") if kind in shown.data}
            outputs.append({"output_type": "display_data", "data": {k: _text(v) for k, v in data.items()}})
        if result.result is not None and not source.rstrip().endswith(";"):
            data = self.shell.display_formatter.format(result.result, include={"text/plain", "image/png"})[0]
            outputs.append({"output_type": "display_data", "data": {k: _text(v) for k, v in data.items()}})
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            about = {"ename": type(error).__name__, "evalue": str(error)[:4000]}
            outputs.append({"output_type": "error", **about, "traceback": [f"{about['ename']}: {about['evalue']}"]})
        return {"passed": error is None, "outputs": outputs}

    def kinds(self, names: list[str], wanted: list[str]) -> dict[str, Any]:
        """Of names that are defined: "autograd" for an autograd function, "call" for a function; of others the value.

        Values cross where they are ``wanted``.
        """
        import torch

        found: dict[str, Any] = {}
        for name in names:
            if name in self.shell.user_ns:
                value = self.shell.user_ns[name]
                if isinstance(value, type):
                    found[name] = ["autograd" if issubclass(value, torch.autograd.Function) else "class", None]
                elif callable(value):
                    found[name] = ["call", None]
                elif name in wanted:
                    found[name] = ["value", _crossing(self.peer, value)]
        return found


def _crossing(peer: Peer, value: Any) -> Any:
    """The value, or None where it is of a kind that does not cross, or too large."""
    from advcourse.grading.values import Values

    try:
        tried = Values(Peer(peer.wire, trusted=False), True)  # another: the peer would know the value from then on
        size = len(json.dumps(tried.put(value))) + sum(map(len, tried.blocks))
    except Exception:
        return None
    return value if size <= LARGEST_NAMED else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode("ascii")
    return str(value)[:20_000_000]


def attend(connection: socket.socket, assignment: str) -> None:
    """Serve over a socket until the other side is gone, then end this process."""
    import random

    import numpy
    import torch

    torch.set_num_threads(1)
    seed = int.from_bytes(os.urandom(4))
    random.seed(seed)
    numpy.random.seed(seed)  # noqa: NPY002  what a submission may use
    torch.manual_seed(seed)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    sys.stdin = open(os.devnull, encoding="utf-8")
    banned.refuse(assignment)
    connection.sendall(b"!")
    peer = Peer(Wire(connection), trusted=False)
    Cells(peer)
    with contextlib.suppress(WireError):
        peer.serve()
    os._exit(0)
