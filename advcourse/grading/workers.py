"""Processes that put submissions on trial, several at once, each with a sandbox of its own."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import logging
import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver

import nbformat
import torch
from nbformat import NotebookNode

from advcourse.grading import trial
from advcourse.grading.marks import OURS
from advcourse.grading.server import MIB

DEATH_OF_PARENT = 1
BESIDE = 2048
"""MiB of private memory of a process that tests, beyond what it allows to those of a submission."""


@dataclass(frozen=True)
class Bounds:
    """What a submission may use, and where.

    Attributes:
        timeout: seconds of processor time for one cell, or for one answer to a test.
        total: for all of them.
        memory: MiB of each process.
        seconds: of processor time of each process.
        unsafe: without a sandbox.
        files: a folder whose files, notebooks excepted, the submission finds beside itself.
        assignment: whose techniques the course's library refuses.
        secret: from which the hidden tests' inputs are drawn.
    """

    timeout: float = 60
    total: float = 600
    memory: int = 4096
    seconds: int = 600
    unsafe: bool = False
    files: str = ""
    assignment: str = ""
    secret: str = ""


class Workers:
    """A pool of ``count`` processes; what it has been given before it is not run again.

    Raises:
        RuntimeError: from what comes of it, where a worker ended.
    """

    def __init__(self, bounds: Bounds, count: int):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        with _own_package():
            forkserver.ensure_running()
        environment = {name: os.environ[name] for name in ("ADVCOURSE_DATA", "ADVCOURSE_CACHE") if name in os.environ}
        self.pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(bounds, environment))
        self.ahead: dict[str, Future[tuple[str, list[str]]]] = {}

    def submit(self, notebook: NotebookNode) -> Future[tuple[str, list[str]]]:
        """Run a notebook, if one with the same code is not under way."""
        key = _code(notebook)
        if key not in self.ahead:
            self.ahead[key] = self.pool.submit(_work, nbformat.writes(notebook))
        return self.ahead[key]

    def run(self, notebook: NotebookNode) -> list[str]:
        """Give the code cells of a notebook their outputs; which cells were lost, in words."""
        try:
            done, words = self.submit(notebook).result()
        except BrokenProcessPool as error:
            end()
            raise RuntimeError("a process that grades has ended: too little memory?") from error
        finally:
            self.ahead.pop(_code(notebook), None)
        for cell, other in zip(notebook.cells, nbformat.reads(done, 4).cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = other.outputs, other.execution_count
                cell.metadata |= {name: about for name, about in other.metadata.items() if name == OURS}
        return words

    def check(self) -> None:
        """Have a process of the sandbox forked.

        Raises:
            RuntimeError: where that does not work.
        """
        self.pool.submit(_fork).result()

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)


def _code(notebook: NotebookNode) -> str:
    return json.dumps([(cell.get("id"), cell.source) for cell in notebook.cells if cell.cell_type == "code"])


_pools: dict[tuple[Bounds, int], Workers] = {}
_sandbox: list[tuple[trial.Sandbox, Bounds]] = []


def workers(bounds: Bounds, count: int) -> Workers:
    """The workers with these bounds, started once; those with others are ended."""
    if (bounds, count) not in _pools:
        end()
        _pools[bounds, count] = Workers(bounds, count)
    return _pools[bounds, count]


@atexit.register
def end() -> None:
    """End all workers."""
    while _pools:
        _pools.popitem()[1].close()


def stop() -> None:
    """End all workers at once, whatever they are doing."""
    for process in multiprocessing.active_children():
        process.kill()
    end()


def _begin(bounds: Bounds, environment: dict[str, str]) -> None:
    ctypes.CDLL(None).prctl(DEATH_OF_PARENT, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ |= environment | {"MPLBACKEND": "Agg"}
    torch.set_num_threads(1)
    _start(bounds)
    most, hard = (bounds.memory + BESIDE) * MIB, resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))  # what a test makes of a huge answer fails that test alone


@contextlib.contextmanager
def _own_package() -> Iterator[None]:
    """Has Python started meanwhile import nothing from the folder where it is started, such as a copy of a course."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def _start(bounds: Bounds) -> None:
    made = trial.Sandbox(memory=bounds.memory, seconds=bounds.seconds, unsafe=bounds.unsafe, files=bounds.files)
    atexit.register(made.close)
    _sandbox[:] = [(made, bounds)]


def _child() -> trial.Child:
    """A process for a submission; from another sandbox, where something has ended the one that was there."""
    made, bounds = _sandbox[0]
    try:
        return made.child(bounds.timeout, bounds.assignment)
    except RuntimeError:
        made.close()
        _start(bounds)
        return _sandbox[0][0].child(bounds.timeout, bounds.assignment)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


@contextlib.contextmanager
def _kept() -> Iterator[tuple[logging.Logger, list[str]]]:
    log, handler = logging.getLogger("trial"), _Kept()
    log.propagate = False
    log.addHandler(handler)
    try:
        yield log, handler.words
    finally:
        log.removeHandler(handler)


def _fork() -> None:
    _child().stop()


def _work(text: str) -> tuple[str, list[str]]:
    notebook = nbformat.reads(text, 4)
    with _kept() as (log, words), torch.random.fork_rng(devices=[]):
        bounds = _sandbox[0][1]
        trial.Trial(notebook, _child, total=bounds.total, log=log, secret=bounds.secret).run()
    return nbformat.writes(notebook), words
