"""A prediction service to ask: in a thread, in a process that can be killed, or a hostile one on a bare socket."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from torch import Tensor, nn

from advcourse import blackbox
from advcourse.blackbox import _http, _ledger, _sending
from tests.support.scenes import scene

KEY = "a-key-of-the-tests"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.served"])


@contextmanager
def running(app) -> Iterator[str]:
    """The address of an application that runs in a thread meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_level="critical", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.force_exit = server.should_exit = True
            thread.join()
            app.state.desk.ledger.close()


@contextmanager
def served(model: nn.Module, folder: Path, **options) -> Iterator[str]:
    """The address of a service of that model."""
    app = blackbox.application(model, **{"keys": [KEY], "state": folder / "state.sqlite", **options})
    with running(app) as url:
        yield url


def oracle(url: str, **options) -> blackbox.HttpOracle:
    return blackbox.HttpOracle(url, **{"key": KEY, "timeout": 20.0, "retries": 2, **options})


# -- processes


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def serving(port: int, state: str, budget: int, dies: str | None, at: int) -> None:
    """A service of ``scene()``'s model. The call ``at`` kills it while the model runs, or with the reply on its way."""
    model, _, _ = scene()
    calls = iter(range(1, 10**9))
    if dies == "the model runs":
        model.register_forward_pre_hook(lambda *given: die() if next(calls) == at else None)
    if dies == "the reply is kept":
        settle = _ledger.Ledger.settle

        def settled(*given):
            reply = settle(*given)
            if next(calls) == at:
                die()
            return reply

        _ledger.Ledger.settle = settled
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        blackbox.serve(model, key=KEY, port=port, state=state, budget=budget, rate=1e6)


@contextmanager
def process(target: Callable, *arguments) -> Iterator[multiprocessing.Process]:
    """A process that is gone afterwards."""
    started = PROCESSES.Process(target=target, args=arguments)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        started.join()


def attacking(url: str, session: str, at: int) -> None:
    """Attack, and be killed with the answer ``at`` received and not yet used."""
    answers, send = iter(range(1, 10**9)), _sending.Sender.send

    def sent(*given):
        response = send(*given)
        if given[1] == "predict" and next(answers) == at:
            die()
        return response

    _http.Sender.send = sent
    attack(oracle(url, session=session))


def attack(asked: blackbox.Asked) -> Tensor:
    """One that takes steps until it is through or nothing is left."""
    _, images, labels = scene()
    return blackbox.nes(asked, images, labels, eps=0.2, samples=10, sigma=0.01)


# -- strangers


@contextmanager
def stranger(reply: Callable[[str], bytes | Iterable[bytes]]) -> Iterator[str]:
    """The address of a server that answers with those bytes to a path, and then hangs up."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(5)
                request = connection.makefile("rb")
                path = request.readline().split()[1].decode()
                length = 0
                while line := request.readline().strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                request.read(length)
                said = reply(path)
                for part in [said] if isinstance(said, bytes) else said:
                    connection.sendall(part)
                    if stopped.is_set():
                        break

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            stopped.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def response(body: bytes, status: int = 200, *headers: str) -> bytes:
    """An HTTP response."""
    lines = [f"HTTP/1.1 {status} x", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
