"""Sending a request until it is answered, or for so long and no longer."""

from __future__ import annotations

import asyncio
import math
import os
import random
import threading
import time
import weakref
from functools import cache
from typing import Any, NamedTuple

from advcourse.core.oracles import OracleError

LARGEST_ANSWER = 2**26
FIRST_PAUSE = 0.25
BUSY = (429, 502, 503, 504)


class Response(NamedTuple):
    """What came back: an HTTP status, the seconds to wait that it asks for, and the body."""

    status: int
    wait: float
    content: bytes


class Sender:
    """Requests to one address, each of them sent again while there is no whole answer or the service is busy.

    They are made in the thread of an event loop, because there the time of a whole attempt can be bounded: a timeout of
    each single ``recv`` would let a server that sends a byte every now and then go on for ever.

    Args:
        url: ``http://host:port`` or ``https://…``.
        key: sent to this address alone: no proxy of the environment is used, and no redirect is followed.
        timeout: seconds of an attempt, from the look-up of the address to the last byte.
        retries: attempts after the first. All together take ``timeout`` × (``retries`` + 1) at the most.

    Raises:
        ImportError: where httpx is not installed.
        ValueError: for another kind of address.
    """

    def __init__(self, url: str, key: str, timeout: float, retries: int):
        self._httpx = _imported()
        self.url, self._key = _checked(self._httpx, url), key
        self._timeout, self._retries, self._process = timeout, retries, os.getpid()
        self._loop = _loop()
        self._client = self._httpx.AsyncClient(timeout=None, trust_env=False, follow_redirects=False)
        weakref.finalize(self, _close, self._client, self._loop).atexit = False

    def send(self, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
        """The answer, whatever its status but a busy one.

        Raises:
            OracleError: where there is none in time, or one that is too long.
        """
        if os.getpid() != self._process:
            raise OracleError(
                "this HttpOracle was made in another process, expected one for each: make it after the fork"
            )
        request = self._httpx.Request(
            "POST" if body else "GET",
            f"{self.url}/v1/{path}",
            headers={"Authorization": f"Bearer {self._key}", "Accept-Encoding": "identity", **(headers or {})},
            content=body,
        )
        future = asyncio.run_coroutine_threadsafe(self._insist(request), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _insist(self, request: Any) -> Response:
        end = time.monotonic() + self._timeout * (self._retries + 1)
        pause, failures = FIRST_PAUSE, 0
        while True:
            wait = 0.0
            try:
                async with asyncio.timeout(min(self._timeout, max(0.01, end - time.monotonic()))):
                    response = await self._attempt(request)
                if response.status not in BUSY:
                    return response
                wait, reason = response.wait, f"it is busy ({response.status})"
                failures += response.status != 429  # to be asked to wait is no failure
            except TimeoutError:
                reason, failures = f"no whole answer within {self._timeout:g} s", failures + 1
            except self._httpx.HTTPError as error:
                reason, failures = f"{type(error).__name__}: {error}".replace(self._key, "…")[:300], failures + 1
            asked = f", and asks to wait {wait:.0f} s" if wait > 0 else ""
            wait = max(wait, pause * random.SystemRandom().uniform(0.5, 1))
            if failures > self._retries or time.monotonic() + wait > end:
                raise OracleError(f"{self.url} does not answer: {reason}{asked}")
            await asyncio.sleep(wait)
            pause = min(2 * pause, self._timeout)

    async def _attempt(self, request: Any) -> Response:
        response = await self._client.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise OracleError(f"{self.url} answered with a compressed body, which was not asked for")
            parts, size = [], 0
            async for part in response.aiter_raw():
                size += len(part)
                if size > LARGEST_ANSWER:
                    raise OracleError(f"{self.url} answered with more than {LARGEST_ANSWER} bytes")
                parts.append(part)
        finally:
            await response.aclose()
        said = response.headers.get("retry-after", "")  # a date is taken as no time
        wait = float(said) if said.isdecimal() and len(said) < 10 else math.inf if said.isdecimal() else 0.0
        return Response(response.status_code, wait, b"".join(parts))


def _loop() -> asyncio.AbstractEventLoop:
    """An event loop in a thread of its own: the caller's thread may have one that runs, as in a notebook."""
    return _loop_of(os.getpid())


@cache
def _loop_of(process: int) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="advcourse-http", daemon=True).start()
    return loop


def _close(client: Any, loop: asyncio.AbstractEventLoop) -> None:
    asyncio.run_coroutine_threadsafe(client.aclose(), loop)


def _imported() -> Any:
    try:
        import httpx
    except ImportError:
        raise ImportError("asking over HTTP needs httpx: pip install 'advcourse[serve]'") from None
    return httpx


def _checked(httpx: Any, url: str) -> str:
    address = "http://host:port or https://host:port"
    if not isinstance(url, str):
        raise ValueError(f"url is a {type(url).__name__}, expected {address}")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"url cannot be read ({error}), expected {address}") from None
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise ValueError(f"url holds more than an address, expected {address}")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"url is {url!r}, expected {address}")
    return url.rstrip("/")
