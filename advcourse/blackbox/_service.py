"""A prediction service over HTTP: an ``Oracle`` in a process of its own, which bills and remembers on disk."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advcourse.blackbox._desk import Desk
from advcourse.blackbox._ledger import Refused, Reply
from advcourse.blackbox._wire import CALL_HEADER, LARGEST_BODY
from advcourse.core.running import Model
from advcourse.core.validation import check_count

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

BODY_SECONDS = 30
CONNECTIONS = 128
_log = logging.getLogger(__name__)


def application(
    model: Model,
    *,
    keys: Iterable[str],
    state: str | PathLike[str],
    reveals: str = "logits",
    k: int | None = None,
    budget: int | None = None,
    rate: float | None = None,
    largest: int = LARGEST_BODY,
    batch_size: int | None = 256,
    shape: tuple[int, int, int] | None = None,
) -> FastAPI:
    """The service as an ASGI application, for uvicorn or another server; ``HttpOracle`` asks it.

    A request has ``Authorization: Bearer KEY``. Bodies are safetensors files: nothing that arrives is executed::

        GET  /v1/about                -> JSON: reveals, k, budget, shape, classes, largest, rate
        POST /v1/predict  x, rows     -> answers; for "top_k" classes and probabilities
        POST /v1/reserve  rows        -> nothing: pays for a call that comes in parts
        POST /v1/left     rows        -> used, own: queries billed to the images by the key, and by ``?session=``

    ``predict`` and ``reserve`` have ``Idempotency-Key: SESSION/NUMBER``. A call that was answered gets the same answer
    again and is not billed again; with other content it is refused. ``SESSION/NUMBER.PART`` is a part of a call, paid
    by its reservation. Billing and the answer are one transaction in ``state``: a service that is killed and started
    again goes on with neither a query lost nor one counted twice. Answers are kept for good.

    Images in any of the four floating-point precisions are taken to that of the model; what overflows there is refused.
    The model runs in eval mode, one call at a time, and its answers are an ``Oracle``'s.

    Args:
        model: maps images to logits ``(N, K)``.
        keys: who may ask: each is 8 to 200 printable characters without spaces, and has accounts of its own.
        state: SQLite file of the accounts and answers; made where it is not there.
        reveals, k, batch_size: as in ``Oracle``.
        budget: queries that every image has, for each key.
        rate: images per second that a key may ask about, on the average; another request counts as one. Beyond a
            second's worth in one go it is asked to wait.
        largest: bytes that a body may have.
        shape: ``(C, H, W)`` of the images, where others are to be refused.

    Returns:
        A ``fastapi.FastAPI``.

    Raises:
        ImportError: where the extra is not installed: ``pip install 'advcourse[serve]'``.
        ValueError: for bad input; the message names the argument.
    """
    fastapi, _ = _extra()
    from sqlite3 import Error as StateError

    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse

    check_count(at_least=2**12, largest=largest)
    desk = Desk(
        model,
        keys=keys,
        state=state,
        reveals=reveals,
        k=k,
        budget=budget,
        rate=rate,
        batch_size=batch_size,
        shape=shape,
    )
    turn = asyncio.Lock()  # callers wait here and not in threads, of which there are few

    async def asked(request: Request) -> tuple[str, str, bytes]:
        """The key, the name of the call, and the body of a request from someone who has one and need not wait."""
        key = desk.admit(request.headers.get("authorization", ""))
        desk.charge(key, 0)
        return key, request.headers.get(CALL_HEADER, ""), await _body(request, largest)

    def replied(reply: Reply) -> Response:
        kind = "application/octet-stream" if reply.status == 200 else "application/json"
        return fastapi.Response(reply.body, reply.status, media_type=kind)

    async def about(request: Request) -> Response:
        desk.charge(desk.admit(request.headers.get("authorization", "")), 1)
        return JSONResponse({**desk.about(), "largest": largest})

    async def predict(request: Request) -> Response:
        call = await asked(request)
        async with turn:
            return replied(await run_in_threadpool(desk.predict, *call))

    async def reserve(request: Request) -> Response:
        call = await asked(request)
        async with turn:
            return replied(await run_in_threadpool(desk.reserve, *call))

    async def left(request: Request) -> Response:
        key, _, body = await asked(request)
        return replied(await run_in_threadpool(desk.left, key, request.query_params.get("session", "-"), body))

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        headers = {"Retry-After": str(max(1, math.ceil(error.wait)))} if error.status in (429, 503) else {}
        headers |= {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        headers |= {"Connection": "close"} if error.status in (408, 413) else {}  # the rest of the body is not read
        return JSONResponse({"detail": error.detail}, error.status, headers)

    def unwritable(request: Request, error: Exception) -> Response:
        _log.error("the state could not be read or written: %s", error)
        return refused(request, Refused(503, "the accounts are not at hand, try again"))

    def failed(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": "the service failed"}, 500)

    app: FastAPI = fastapi.FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.desk = desk
    app.add_route("/v1/about", about, methods=["GET"])
    for handler in (predict, reserve, left):
        app.add_route(f"/v1/{handler.__name__}", handler, methods=["POST"])
    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(StateError, unwritable)
    app.add_exception_handler(Exception, failed)
    return app


def serve(
    model: Model,
    *,
    key: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    state: str | PathLike[str] | None = None,
    **options: Any,
) -> None:
    """Run the service until it is stopped; prints its address, and the key where it had to draw one.

    On the open internet it belongs behind a proxy that speaks HTTPS: the key is sent as it is.

    Args:
        model: maps images to logits ``(N, K)``.
        key: who knows it may ask; drawn where not given.
        host, port: where it listens; port 0 is any that is free.
        state: SQLite file; where not given one that is deleted at the end, and the accounts with it.
        options: of ``application``.

    Raises:
        ImportError: where the extra is not installed: ``pip install 'advcourse[serve]'``.
        OSError: where the port is taken.
        ValueError: for bad input; the message names the argument.
    """
    _, uvicorn = _extra()
    drawn = secrets.token_hex(24)
    with ExitStack() as stack:
        if state is None:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="advcourse-")), "state.sqlite")
            if threading.current_thread() is threading.main_thread():  # who ends it otherwise leaves the folder
                before = signal.signal(signal.SIGTERM, lambda *given: sys.exit(143))
                stack.callback(signal.signal, signal.SIGTERM, before)
        app = application(model, keys=[key or drawn], state=state, **options)
        stack.callback(app.state.desk.ledger.close)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio lets small packets go at once on sockets that name their protocol alone
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(CONNECTIONS)
            shown = f"[{host}]" if ":" in host else host
            print(f"serving at http://{shown}:{listening.getsockname()[1]}", flush=True)
            if not key:
                print(f"key {drawn}", flush=True)
            config = uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=5,
            )
            uvicorn.Server(config).run(sockets=[listening])


def _extra() -> tuple[Any, Any]:
    """FastAPI and uvicorn."""
    try:
        import fastapi
        import uvicorn
    except ImportError:
        raise ImportError("serving a model needs fastapi and uvicorn: pip install 'advcourse[serve]'") from None
    return fastapi, uvicorn


async def _body(request: Request, largest: int) -> bytes:
    """The body, of which no more than ``largest`` bytes are ever read, whatever its length is said to be."""
    from starlette.requests import ClientDisconnect

    said = request.headers.get("content-length", "")
    too_large = Refused(413, f"the body has more than {largest} bytes")
    if said.isdecimal() and (len(said) > 18 or int(said) > largest):
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > largest:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {BODY_SECONDS} s") from None
    except ClientDisconnect:
        raise Refused(400, "the body did not arrive") from None
    return b"".join(parts)
