"""Running mutants: the cells before the answer once, then a fork for each mutant, until a test of it fails."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from advcourse.grading.needs import dependents, names_of, sources_of

MEMORY = 6 << 30
"""Bytes of data of a mutant's process."""


@dataclass(frozen=True)
class CodeCell:
    """One code cell of a master."""

    name: str
    source: str
    is_test: bool = False
    is_answer: bool = False


def imports(given: list[CodeCell]) -> None:
    """Import what the cells import, so that each fork finds it there, and compute in one thread."""
    os.environ["MPLBACKEND"] = "Agg"
    for cell in given:
        with contextlib.suppress(SyntaxError, ImportError):
            for node in ast.parse(cell.source).body:
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
                for name in names:
                    with contextlib.suppress(ImportError):
                        importlib.import_module(name)
    import torch
    from IPython.core.interactiveshell import InteractiveShell  # noqa: F401

    torch.set_num_threads(1)


def verdicts(given: list[CodeCell], answer: str, sources: list[str], seconds: float = 5) -> list[str | None]:
    """Of each source of an answer the test that fails with it, ``(time)`` or ``(ended)`` where it does not return.

    Args:
        given: the master's code cells.
        answer: the name of the answer's cell.
        sources: what is to stand in it.
        seconds: of processor time for a cell; ten times what the master takes where that is more.

    Raises:
        RuntimeError: where the master itself fails one of these tests.
    """
    found = list(_forked(_stage, given, answer, sources, seconds))
    if len(found) == 1 and isinstance(found[0], BaseException):
        raise found[0]
    if len(found) != len(sources):
        raise RuntimeError(f"the process that runs mutants of {answer} has ended")
    return found


def around(given: Sequence[CodeCell], answer: str, source: str) -> tuple[list[CodeCell], list[CodeCell]]:
    """Cells that an answer and its tests need, which come before it; and the answer with those that come after."""
    uses = {cell.name: names_of(cell.source) for cell in given}
    changed = {answer: names_of(source)}
    reached: set[str] = dependents(uses, changed)
    tests = reached & {cell.name for cell in given if cell.is_test}
    chosen = sources_of(uses | changed, tests | {answer})
    place = next(number for number, cell in enumerate(given) if cell.name == answer)
    before, after = given[:place], given[place:]
    return [each for each in before if each.name in chosen], [each for each in after if each.name in chosen]


def _stage(send: Callable[[Any], None], given: list[CodeCell], answer: str, sources: list[str], seconds: float) -> None:
    master = next(cell.source for cell in given if cell.name == answer)
    before, after = around(given, answer, master)
    try:
        with _shell() as run:
            for cell in before:
                if not run(cell.source) and cell.is_test:
                    raise RuntimeError(f"the master fails {cell.name}")
            taken: dict[str, float] = {}
            for name, passed, used in _forked(_cells, run, after, {}):
                taken[name] = used
                if not passed:
                    raise RuntimeError(f"the master fails {name}")
            if len(taken) < len(after):
                raise RuntimeError(f"the master's run ends in {after[len(taken)].name}")
            limits = {name: max(seconds, 10 * used) for name, used in taken.items()}
            for source in sources:
                changed = [CodeCell(answer, source, is_answer=True), *after[1:]]
                send(_verdict(run, changed, limits))
    except RuntimeError as error:
        send(error)


def _verdict(run: Callable[[str], bool], given: list[CodeCell], limits: dict[str, float]) -> str | None:
    """The first test that fails."""
    done = 0
    for name, passed, _ in _forked(_cells, run, given, limits, patience=60 + 12 * max(limits.values())):
        done += 1
        if not passed and given[done - 1].is_test:
            return name
    if done < len(given):
        return f"{given[done].name} (ended)"
    return None


def _cells(send: Callable[[Any], None], run: Callable[[str], bool], given: list[CodeCell], limits: dict) -> None:
    if limits:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    for cell in given:
        if limits:
            signal.setitimer(signal.ITIMER_PROF, limits[cell.name])
        before = time.process_time()
        passed = run(cell.source)
        send((cell.name, passed, time.process_time() - before))
        if not passed and cell.is_test:
            return


@contextlib.contextmanager
def _shell() -> Iterator[Callable[[str], bool]]:
    """Runs sources as a notebook does; says whether one came to its end with nothing on the standard error."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    vars(shell)["showtraceback"] = lambda *given, **named: None
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "err"), "w+b") as spill:
        os.chdir(folder)
        os.dup2(spill.fileno(), 2)

        def run(source: str) -> bool:
            before, spoken = os.fstat(2).st_size, io.StringIO()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(spoken):
                result = shell.run_cell(source)
            return bool(result.success) and os.fstat(2).st_size == before and not spoken.getvalue()

        yield run


def _forked(function: Callable[..., None], *given: Any, patience: float | None = None) -> Iterator[Any]:
    """What a function sends in a fork of this process, until it ends or is silent for so many seconds."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_sending, args=(function, sender, *given))
    process.start()
    sender.close()
    try:
        while receiver.poll(patience):
            yield receiver.recv()
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
        receiver.close()


def _sending(function: Callable[..., None], sender: Connection, *given: Any) -> None:
    function(sender.send, *given)
