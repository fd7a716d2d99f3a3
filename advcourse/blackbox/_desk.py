"""What a prediction service does with a request that arrived: who asks, how fast, for what, and the reply."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import chain
from os import PathLike

import torch
from torch import Tensor, nn

from advcourse.blackbox._ledger import Call, Ledger, Refused, Reply
from advcourse.blackbox._oracle import Oracle, check_queries, check_rows
from advcourse.blackbox._wire import API_KEY, CALL, CALL_HEADER, MODEL_FAILED, SESSION, pack, unpack
from advcourse.core.oracles import OracleError, TopK
from advcourse.core.running import Model, evaluating
from advcourse.core.validation import check_above, check_count

PRECISIONS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
BURST_SECONDS = 1
_log = logging.getLogger(__name__)


class Desk:
    """A model with its accounts. Arguments as in ``application``; what cannot be answered raises ``Refused``."""

    def __init__(
        self,
        model: Model,
        *,
        keys: Iterable[str],
        state: str | PathLike[str],
        reveals: str,
        k: int | None,
        budget: int | None,
        rate: float | None,
        batch_size: int | None,
        shape: tuple[int, int, int] | None,
    ):
        self._keys = [_digest(key) for key in _checked(keys)]
        if rate is not None:
            check_above(0, rate=rate)
        Oracle(model, reveals=reveals, k=k, budget=budget, batch_size=batch_size)  # its checks
        self._oracle = Oracle(model, reveals=reveals, k=k, batch_size=batch_size)  # the ledger bills, not this one
        self._model, self.budget, self._rate, self._shape = model, budget, rate, shape
        self._dtype, self._device = _home(model)
        self._classes = None if shape is None else self._looked(shape)
        self.ledger = Ledger(state, kind=f"reveals={reveals!r}, k={self._oracle.k}")
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def admit(self, authorization: str) -> str:
        """The digest of the key, which is the name of its accounts. Every known one is compared, in constant time."""
        given = _digest(authorization.removeprefix("Bearer "))
        found = [key for key in self._keys if hmac.compare_digest(given, key)]
        if not found:
            raise Refused(401, "the key is missing or not known")
        return found[0]

    def charge(self, key: str, images: int) -> None:
        """Images at ``rate`` take their time, of which a second can be had in advance."""
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            until = max(now, self._until.get(key, now))
            if until - now > BURST_SECONDS:
                raise Refused(429, f"at most {self._rate:g} images per second", until - now - BURST_SECONDS)
            self._until[key] = until + images / self._rate

    def about(self) -> dict[str, object]:
        """What a client has to know."""
        return {
            "version": 1,
            "reveals": self._oracle.reveals,
            "k": self._oracle.k,
            "budget": self.budget,
            "rate": self._rate,
            "shape": None if self._shape is None else list(self._shape),
            "classes": self._classes,
        }

    def predict(self, key: str, name: str, body: bytes) -> Reply:
        """Answers for images, ``x`` and ``rows`` in ``body``."""
        call = _call(key, name, b"predict" + body)
        try:
            x, rows = self._images(body)
        except ValueError as error:
            raise Refused(422, str(error)) from None
        self.charge(key, len(x))
        return self.ledger.settle(call, Counter(rows.tolist()), self.budget, partial(self._answer, x), False)

    def reserve(self, key: str, name: str, body: bytes) -> Reply:
        """Pay for a call that comes in parts."""
        call = _call(key, name, b"reserve" + body)
        if call.part is not None:
            raise Refused(400, f"{CALL_HEADER} names a part, expected the call")
        rows = _accounts(body)
        self.charge(key, 1)
        return self.ledger.settle(call, Counter(rows.tolist()), self.budget, partial(Reply, 200, b""), True)

    def left(self, key: str, session: str, body: bytes) -> Reply:
        """Queries billed to images, in all and by a session."""
        if not SESSION.fullmatch(session):
            raise Refused(400, f"session is no name, expected {SESSION.pattern}")
        rows = _accounts(body)
        self.charge(key, 1)
        used, own = self.ledger.used(key, session, rows.tolist())
        return Reply(200, pack(used=torch.tensor(used), own=torch.tensor(own)))

    def _images(self, body: bytes) -> tuple[Tensor, Tensor]:
        x, rows = unpack(body, "x", "rows")
        if x.dtype not in PRECISIONS:
            raise ValueError(f"x is {x.dtype}, expected float32 or float64")
        x = x if self._dtype is None else x.to(self._dtype)
        rows = check_queries(x, rows)
        if self._shape is not None and tuple(x.shape[1:]) != tuple(self._shape):
            raise ValueError(f"x holds images {tuple(x.shape[1:])}, expected {tuple(self._shape)}")
        return x, rows

    def _answer(self, x: Tensor) -> Reply:
        """The oracle's; where the model fails, of which only the kind is told."""
        try:
            with evaluating(self._model):
                answers = self._oracle(x.to(self._device))
        except (OracleError, ValueError) as error:
            _log.warning("a call failed: %s", error)
            return Reply(MODEL_FAILED, json.dumps({"detail": str(error).partition(": ")[0]}).encode())
        return Reply(200, pack(**answers._asdict()) if isinstance(answers, TopK) else pack(answers=answers))

    def _looked(self, shape: tuple[int, int, int]) -> int:
        """The number of classes, by an answer that nobody is billed for."""
        if len(shape) != 3:
            raise ValueError(f"shape is {shape}, expected (C, H, W)")
        check_count(channels=shape[0], height=shape[1], width=shape[2])
        black = torch.zeros(1, *shape, dtype=self._dtype or torch.float32, device=self._device)
        try:
            with evaluating(self._model):
                logits = Oracle(self._model)(black)
        except OracleError as error:
            raise ValueError(f"shape is {shape}, expected one that the model takes: {error}") from None
        assert isinstance(logits, Tensor)
        classes, k = logits.shape[1], self._oracle.k
        if k is not None and k > classes:
            raise ValueError(f"k is {k}, expected at most {classes}: the model has no more classes")
        return classes


def _checked(keys: Iterable[str]) -> list[str]:
    found = list(keys)
    if not found or not all(isinstance(key, str) and API_KEY.fullmatch(key) for key in found):
        raise ValueError("keys holds none, or one of another form, expected 8 to 200 printable characters, no spaces")
    return found


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _home(model: Model) -> tuple[torch.dtype | None, torch.device]:
    """The precision of a model and the device that it is on; a function takes images as they come, on the CPU."""
    tensors = chain(model.parameters(), model.buffers()) if isinstance(model, nn.Module) else ()
    held = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
    return (None, torch.device("cpu")) if held is None else (held.dtype, held.device)


def _call(key: str, name: str, content: bytes) -> Call:
    match = CALL.fullmatch(name)
    if match is None:
        raise Refused(400, f"{CALL_HEADER} is missing or no name of a call, expected SESSION/NUMBER")
    return Call(key, match[1], match[2], match[3], hashlib.sha256(content).digest())


def _accounts(body: bytes) -> Tensor:
    try:
        rows = check_rows(*unpack(body, "rows"))
    except ValueError as error:
        raise Refused(422, str(error)) from None
    if not len(rows):
        raise Refused(422, "rows is empty, expected at least one place")
    return rows
