"""A submission on trial: its cells run in the sandbox, the tests here, on stand-ins for what the cells define."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_locked, is_solution

from advcourse.grading import groups, pages, sandbox
from advcourse.grading.draws import drawn_from
from advcourse.grading.marks import is_test, mark_failed, partial_credit
from advcourse.grading.needs import Names, names_of, sources_of
from advcourse.grading.pages import harmless
from advcourse.grading.peer import Peer
from advcourse.grading.rebuild import MOST_OUTPUTS
from advcourse.grading.server import MIB, MOST_PROCESSES, SCRATCH, SHARED
from advcourse.grading.wire import Wire, WireError

TICKS = os.sysconf("SC_CLK_TCK")
CREDENTIALS = struct.Struct("3i")

LONGEST_LOOK = 5.0
"""Seconds for finding the names in a cell's source."""

LOOK_EVERY = 0.25
"""Seconds of the clock between two looks at what a submission has used."""

LONGEST_REASON = 300
"""Characters of what a cell was lost by."""


class Sandbox:
    """The process under bubblewrap that forks for every submission.

    Args:
        memory: MiB of private memory of a submission's process.
        seconds: of processor time, of each of its processes.
        unsafe: without bubblewrap, with all rights of the person who grades.
        files: a folder; a submission finds copies of its files, notebooks excepted, where it runs.
    """

    def __init__(self, *, memory: int = 4096, seconds: int = 600, unsafe: bool = False, files: str = ""):
        self.folder = tempfile.TemporaryDirectory(prefix="trial-")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place = Path(files or self.folder.name).resolve()
        arguments = [str(theirs.fileno()), str(memory * MIB), str(seconds), str(place)]
        line = [sys.executable, "-m", "advcourse.grading.server", *arguments]
        if not unsafe:
            line = sandbox.command(line, cwd=place, memory=2**40, seconds=10**6)
        quiet: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        self.memory = memory * MIB + SCRATCH + SHARED
        self.process = subprocess.Popen(line, pass_fds=[theirs.fileno()], **quiet)
        theirs.close()
        self.control = ours

    def child(self, seconds: float, assignment: str = "") -> Child:
        """A new process for a submission; what its assignment asks to be written is refused there."""
        return Child(self.control, seconds, assignment, self.memory)

    def close(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Child:
    """One process of a submission, and the conversation with it.

    Args:
        seconds: of processor time for an answer.
        memory: bytes, of it and all that it starts together, where the machine has control groups.
    """

    def __init__(self, control: socket.socket, seconds: float, assignment: str, memory: int):
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            socket.send_fds(control, [f"fork {assignment}".encode()], [theirs.fileno()])
        except OSError as error:
            raise RuntimeError(f"the sandbox has ended: {error}") from error
        theirs.close()
        ours.settimeout(120)
        try:
            hello, about, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(CREDENTIALS.size))
            if not hello:
                raise RuntimeError("the sandbox forks no process: is its package the one that grades?")
            self.number = next(CREDENTIALS.unpack(data)[0] for _, kind, data in about if kind == socket.SCM_CREDENTIALS)
            self.handle = os.pidfd_open(self.number)  # its number may be another's by the time it is ended
        except OSError as error:
            raise RuntimeError("the sandbox forks no process") from error
        self.socket, self.most = ours, 0.0
        self.group = groups.grouped(self.number, memory, MOST_PROCESSES)
        self.peer = Peer(Wire(ours, self.spent), trusted=True, seconds=seconds)

    def spent(self) -> float:
        """Seconds of processor time, those of its children too (without a control group, of ended ones)."""
        if self.group:
            self.most = max(self.most, self.group.spent())
        try:
            numbers = Path(f"/proc/{self.number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return self.most
        self.most = max(self.most, sum(map(int, numbers[11:15])) / TICKS)
        return self.most

    def stop(self) -> None:
        """End it, and everything that it started."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        os.close(self.handle)
        self.socket.close()
        if self.group:
            self.group.end()


class Trial:
    """One notebook, made of the master and a student's answers; its code cells get their outputs.

    A cell that ends its process, or is too slow, is left out, and the others run again in a new one. Test cells that
    have been run keep their result.

    Args:
        notebook: the master's tests in it, as nbgrader hands it to whoever executes it.
        start: makes a process.
        total: seconds of processor time for all, those of the tests here too, and of the clock four times as many; what
            is not reached by then counts as failed.
        secret: from which the hidden tests' inputs are drawn.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        start: Callable[[], Child],
        *,
        total: float,
        log: logging.Logger,
        secret: str = "",
    ):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
        self.start, self.total, self.log, self.secret = start, total, log, secret
        self.uses = {number: _names_in_time(cell.source) for number, cell in enumerate(self.cells)}
        self.tests = {n for n, cell in enumerate(self.cells) if is_test(cell)}
        self.given = {n for n, cell in enumerate(self.cells) if is_locked(cell) and n not in self.tests}
        self.answers = {n for n, cell in enumerate(self.cells) if is_solution(cell)}
        theirs = set(self.uses) - self.tests - self.given
        self.inside = sources_of({n: self.uses[n] for n in theirs | self.given}, theirs)
        known = {n: self.uses[n] for n in self.given | self.tests}
        self.here = sources_of(known, set(self.tests)) - self.tests
        self.left_out: set[int] = set()
        self.done: set[int] = set()
        self.spent, self.begun = 0.0, (time.process_time(), time.monotonic())
        self.looked = self.begun[1]

    def run(self) -> None:
        """Run all cells, in as many processes as they need."""
        for number in self.inside | self.tests:
            self.cells[number].outputs, self.cells[number].execution_count = [], None
        while not self._in_one_process():
            pass

    def _in_one_process(self) -> bool:
        torch.set_grad_enabled(True)  # whatever the last process, or the last submission, left
        child = self.start()
        child.peer.watch = lambda: self._check(child)
        stage = Stage(child.peer, *self._names())
        try:
            for number, cell in enumerate(self.cells):
                if number in self.left_out:
                    continue
                if self._taken(child) > self.total:
                    self._give_up()
                    return True
                if number in self.here:
                    stage.prepare(cell.source)
                try:
                    with time_bound(child.peer.seconds):
                        self._run(number, cell, stage)
                except WireError as error:
                    self._lost(number, cell, str(error))
                    return False
                self.done.add(number)
            return True
        finally:
            self.spent += child.spent()
            child.stop()

    def _taken(self, child: Child) -> float:
        """Seconds of processor time, by the clock a fourth at least."""
        processor, clock = time.process_time() - self.begun[0], time.monotonic() - self.begun[1]
        return max(self.spent + child.spent() + processor, clock / 4)

    def _check(self, child: Child) -> None:
        now = time.monotonic()
        if now - self.looked < LOOK_EVERY:
            return
        self.looked = now
        if self._taken(child) > self.total:
            raise WireError(f"the submission had taken {self.total:.0f} s")

    def _names(self) -> tuple[list[str], list[str]]:
        """What answers define, and what of it tests use; what Python, given cells or tests define stays as it is."""
        defined = set().union(*(self.uses[number][0] for number in self.answers))
        ours = set(dir(builtins)).union(*(self.uses[number][0] for number in self.given | self.tests))
        names = {name for name in defined - ours if not name.startswith("__")}
        return sorted(names), sorted(names & set().union(*(self.uses[n][1] for n in self.tests)))

    def _run(self, number: int, cell: NotebookNode, stage: Stage) -> None:
        if number in self.inside:
            outputs = stage.run(cell.source)
            if number not in self.done:
                cell.outputs, cell.execution_count = outputs, number + 1
            stage.is_old = True
        elif number in self.tests and number not in self.done:
            with drawn_from(self.secret, cell.metadata["nbgrader"]["grade_id"]):
                cell.outputs, cell.execution_count = stage.test(cell.source, cell), number + 1

    def _lost(self, number: int, cell: NotebookNode, words: str) -> None:
        words = " ".join(pages.text(words).split())[:LONGEST_REASON]  # one line in the log
        name = cell.metadata.get("nbgrader", {}).get("grade_id", f"code cell {number + 1}")
        self.log.warning("%s: %s", name, words)
        if number in self.tests or number not in self.done:
            mark_failed(cell, words)
        self.left_out.add(number)
        self.done.add(number)

    def _give_up(self) -> None:
        for number, cell in enumerate(self.cells):
            if number in self.tests and number not in self.done:
                mark_failed(cell, f"this cell was not run: the submission had taken {self.total:.0f} s")


class Stage:
    """Where tests run: what the master gives, and stand-ins for what the student's cells define.

    Args:
        names: that answers define.
        used: those of them that tests use; one that is no function is here if it is among them.
    """

    def __init__(self, peer: Peer, names: list[str], used: list[str]):
        self.peer, self.names, self.used, self.is_old = peer, names, used, True
        self.space: dict[str, Any] = {"__name__": "__main__"}
        self.stand_ins: dict[str, Any] = {}

    def prepare(self, source: str) -> None:
        """Run a cell of the master's."""
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for code in compiled(source):
                exec(code, self.space)

    def run(self, source: str) -> list[NotebookNode]:
        """Have a cell run in the submission's process; its outputs.

        Raises:
            WireError: where the process is lost, or answers with something else.
        """
        ran = self._had("run", source)
        try:
            return [harmless(NotebookNode(each)) for each in ran["outputs"][:MOST_OUTPUTS]]
        except Exception as error:
            raise WireError(f"what came are no outputs: {error}") from error

    def _had(self, operation: str, *given: Any) -> Any:
        """An answer of the submission's process itself, not of what its cells define: it raises nothing."""
        try:
            return self.peer.ask(operation, *given)
        except WireError:
            raise
        except Exception as error:
            raise WireError(f"{operation} was answered with {type(error).__name__}: {error}") from error

    def test(self, source: str, cell: NotebookNode | None = None) -> list[NotebookNode]:
        """Run a test; its outputs.

        Args:
            cell: that it is the source of: where its last line is a number, this is partial credit.

        Raises:
            WireError: where the submission's process is lost.
        """
        self.peer.over(everything=True)
        self._bind()
        printed, state = io.StringIO(), torch.is_grad_enabled()
        outputs: list[NotebookNode] = []
        credit: list[NotebookNode] = []
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                body, *last = compiled(source)
                exec(body, self.space)
                value = eval(last[0], self.space) if last else None
            if self.peer.lost is not None:  # and the test went on as if an error had been expected
                raise self.peer.lost
            credit = partial_credit(cell, value) if cell is not None else []
        except WireError:
            raise
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            outputs = [new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[words])]
        finally:
            torch.set_grad_enabled(state)
        shown = [new_output("stream", name="stdout", text=printed.getvalue())] if printed.getvalue() else []
        return [*(harmless(each) for each in [*shown, *outputs]), *credit]

    def _bind(self) -> None:
        """Stand-ins for all that is defined by now, under the names that the master's answers define."""
        if not self.is_old:
            return
        for name in self.names:
            self.space.pop(name, None)
        self.stand_ins = {}
        for name, (kind, value) in self._kinds().items():
            if kind == "autograd":
                parts = {"apply": staticmethod(self._function(f"{name}.apply"))}
                self.stand_ins[name] = type(name, (torch.autograd.Function,), parts)
            else:
                self.stand_ins[name] = self._function(name) if kind == "call" else value
        self.space |= self.stand_ins
        self.is_old = False

    def _kinds(self) -> dict[str, tuple[str, Any]]:
        found = self._had("kinds", self.names, self.used)
        try:
            return {name: (str(found[name][0]), found[name][1]) for name in self.names if name in found}
        except (TypeError, LookupError) as error:
            raise WireError(f"what came are no kinds of names: {error}") from error

    def _function(self, path: str) -> Callable[..., Any]:
        def stand_in(*given: Any, **named: Any) -> Any:
            if self.peer.depth:  # from inside a call: what it knows stays known
                return self.peer.call(path, given, named, self._instead())
            try:
                return self.peer.call(path, given, named, self._instead())
            finally:
                self.peer.over()

        stand_in.__name__ = stand_in.__qualname__ = path
        stand_in._answer = path  # type: ignore[attr-defined]
        return stand_in

    def _instead(self) -> dict[str, Any]:
        """What stands in the tests' namespace in the place of a stand-in: a right version of an earlier exercise."""
        space = self.space
        found = {name: space[name] for name, own in self.stand_ins.items() if space.get(name, own) is not own}
        return {name: function for name, function in found.items() if callable(function)}


def compiled(source: str) -> list[Any]:
    """The code of a cell of the master's, magics included, and that of an expression at its end, to be evaluated.

    As in a notebook, with a semicolon behind it an expression has no value.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    tree, last = ast.parse(TransformerManager().transform_cell(source)), None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    return [compile(each, "<test>", kind, dont_inherit=True) for each, kind in ((tree, "exec"), (last, "eval")) if each]


def _names_in_time(source: str) -> Names:
    try:
        with time_bound(LONGEST_LOOK):
            return names_of(source)
    except WireError:
        return set(), set()


@contextlib.contextmanager
def time_bound(seconds: float | None) -> Iterator[None]:
    """Have ``WireError`` raised when this process has used so much processor time, and each second from then on.

    What came from a submission may be slow to look at: a range without end, numbers that all have one hash.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*given: Any) -> None:
        raise WireError(f"what came kept the test for {seconds:.0f} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def sandboxed(**options: Any) -> Iterator[Sandbox]:
    """A sandbox that is closed in the end."""
    made = Sandbox(**options)
    try:
        yield made
    finally:
        made.close()
