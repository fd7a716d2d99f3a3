"""An oracle across the network: what ``python -m advcourse serve`` answers, asked as an ``Oracle`` here is."""

from __future__ import annotations

import json
import math
import secrets
import threading
from collections import Counter
from itertools import count
from typing import Any

import torch
from torch import Tensor

from advcourse.blackbox._oracle import REVEALS, UNLIMITED, check_queries, check_rows
from advcourse.blackbox._sending import Response, Sender
from advcourse.blackbox._wire import (
    API_KEY,
    BUDGET_SPENT,
    CALL_HEADER,
    MODEL_FAILED,
    OTHER_CONTENT,
    SESSION,
    pack,
    unpack,
)
from advcourse.core.oracles import Answers, OracleError, QueryBudgetExceeded, TopK
from advcourse.core.validation import check_above, check_count

ENVELOPE = 2**10  # bytes of a body that are not tensors, at most
AT_A_RATE = 5  # seconds of what a rate allows that one request takes


class HttpOracle:
    """A model that another process serves: it reveals, bills and refuses as its ``Oracle`` would.

    Every call has a number, and the service keeps its answer. A request that was lost on the way is sent again under
    the same number, and an attack that was killed is run again with the same ``session``: what was answered before is
    answered again, and billed once. For that the attack has to ask the same again, as those of ``blackbox`` do; other
    images under the same number are refused. A session is one sequence of calls: of several at once each has its own.

    A call with more images than one request can carry is reserved first, in one transaction, and so is refused whole or
    paid whole, whoever else uses the key at the time. Answers are to the last bit those of an ``Oracle`` with the
    service's ``batch_size`` where one request carries the call, and otherwise up to the rounding of other batches.

    The key is sent to ``url`` alone: no proxy of the environment is used, and no redirect is followed.

    Args:
        url: ``http://host:port`` or ``https://…``, what the service printed.
        key: of the service.
        session: 1 to 64 letters, digits, ``-`` and ``_``; drawn where not given.
        timeout: seconds that one attempt may take, from the look-up of the address to the last byte.
        retries: further attempts, with growing pauses, where there is no whole answer or the service is busy. How long
            it asks to wait is respected. After ``timeout`` × (``retries`` + 1) seconds it is over in any case.

    Raises:
        ImportError: where httpx is not installed: ``pip install 'advcourse[serve]'``.
        OracleError: where no such service answers, or it refuses the key.
        ValueError: for bad input; the message names the argument.
    """

    def __init__(
        self, url: str, *, key: str, session: str | None = None, timeout: float = 10.0, retries: int = 6
    ) -> None:
        if not isinstance(key, str) or not API_KEY.fullmatch(key):
            raise ValueError("key is of another form, expected 8 to 200 printable characters without spaces")
        if session is not None and not (isinstance(session, str) and SESSION.fullmatch(session)):
            raise ValueError(f"session is {session!r}, expected 1 to 64 letters, digits, - and _")
        check_above(0, timeout=timeout)
        check_count(at_least=0, retries=retries)
        self._sender = Sender(url, key, float(timeout), int(retries))
        self._url, self.session = self._sender.url, session or secrets.token_hex(8)
        self._numbers, self._asked, self._lock = count(), Counter[int](), threading.Lock()
        about = self._about()
        self.reveals: str = about["reveals"]
        self.k: int | None = about["k"]
        self.budget: int | None = about["budget"]
        self._largest, self._rate, self._classes = about["largest"], about["rate"], about["classes"]

    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Answers:
        """Answer the images ``x``, ``(M, C, H, W)``; image i of them is asked for the image ``rows[i]`` of the set.

        Args:
            x: finite images in floating point; the service takes them to the precision of its model.
            rows: int64 ``(M,)``, on any device; 0 to M - 1 where not given.

        Returns:
            On the device of ``x``, classes in int64 and the rest in the precision of ``x``.

        Raises:
            QueryBudgetExceeded: for the whole call, of which then nothing is billed.
            OracleError: where there is no answer, or one that cannot be. The call may have been billed.
            ValueError: for bad input.
        """
        rows = check_queries(x, rows)
        images, number, most = x.detach().cpu(), next(self._numbers), self._most(x)
        if len(x) <= most:
            content = self._billed("predict", pack(x=images, rows=rows), number, rows)
            return self._answers(content, x)
        self._billed("reserve", pack(rows=rows), number, rows)
        found = []
        for part, (some, of) in enumerate(zip(images.split(most), rows.split(most), strict=True)):
            content = self._accepted(self._send("predict", pack(x=some, rows=of), f"{number}.{part}"))
            found.append(self._answers(content, x[: len(some)]))
        if self.reveals == "top_k":
            return TopK(*(torch.cat(parts) for parts in zip(*found, strict=True)))
        return torch.cat([part for part in found if isinstance(part, Tensor)])

    def queries(self, rows: Tensor) -> Tensor:
        """How many queries have been billed to those images of the set, int64, by all who have this key."""
        return self._used(rows)[0]

    def left(self, rows: Tensor) -> Tensor:
        """How many queries those images still have, int64, on the device of ``rows``; 2⁶³ - 1 without a budget.

        What this session has paid for and not asked again in this process is among them: it is not paid again. Of
        several who use the key at once another may have the rest first, and the next call is refused.
        """
        if self.budget is None:
            return torch.full_like(rows, UNLIMITED)
        used, own = self._used(rows)
        with self._lock:
            asked = torch.tensor([self._asked[row] for row in rows.tolist()], dtype=torch.int64, device=rows.device)
        return (self.budget - (used - own) - asked).clamp_min(0)

    def _used(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Queries billed to the images, in all and by this session."""
        if not len(rows):
            return torch.zeros_like(rows), torch.zeros_like(rows)
        used, own = [], []
        for some in check_rows(rows).split((self._largest - ENVELOPE) // 8):
            content = self._accepted(self._send(f"left?session={self.session}", pack(rows=some)))
            both = self._unpacked(content, "used", "own")
            if any(each.dtype != torch.int64 or each.shape != some.shape for each in both):
                raise self._nonsense("counts of another kind or number")
            if (both[1] < 0).any() or (both[1] > both[0]).any():
                raise self._nonsense("counts that contradict each other")
            used.append(both[0].to(rows.device))
            own.append(both[1].to(rows.device))
        return torch.cat(used), torch.cat(own)

    def _most(self, x: Tensor) -> int:
        """Images like these that one request carries."""
        size = x[0].numel() * x.element_size() + 8
        most = (self._largest - ENVELOPE) // size
        if most < 1:
            raise OracleError(f"an image takes {size} bytes, and {self._url} takes at most {self._largest} at a time")
        return most if self._rate is None else max(1, min(most, int(AT_A_RATE * self._rate)))

    def _billed(self, path: str, body: bytes, number: int, rows: Tensor) -> bytes:
        """What is said to a call that pays. It counts as paid until the service has said that it is not."""
        counts = Counter(rows.tolist())
        with self._lock:
            self._asked.update(counts)
        response = self._send(path, body, str(number))
        if 300 <= response.status < 500 and response.status != MODEL_FAILED:
            with self._lock:
                self._asked.subtract(counts)
        return self._accepted(response)

    def _answers(self, content: bytes, x: Tensor) -> Answers:
        if self.reveals == "top_k":
            classes, probabilities = self._unpacked(content, "classes", "probabilities")
            assert self.k is not None
            self._check_classes(classes, (len(x), self.k))
            self._check_scores(probabilities, (len(x), self.k))
            if (probabilities.diff(dim=1) > 0).any():
                raise self._nonsense("probabilities that rise along the list")
            return TopK(classes.to(x.device), probabilities.to(x.dtype).to(x.device))
        (answers,) = self._unpacked(content, "answers")
        if self.reveals == "label":
            self._check_classes(answers, (len(x),))
            return answers.to(x.device)
        if answers.dim() == 2 and self._classes is None and answers.shape[1] > 1:
            self._classes = answers.shape[1]
        self._check_scores(answers, (len(x), self._classes or 2))
        return answers.to(x.dtype).to(x.device)

    def _check_classes(self, classes: Tensor, shape: tuple[int, ...]) -> None:
        if classes.dtype != torch.int64 or classes.shape != shape:
            raise self._nonsense(f"classes {classes.dtype} {tuple(classes.shape)}, expected int64 {shape}")
        if classes.min() < 0 or (self._classes is not None and classes.max() >= self._classes):
            raise self._nonsense(f"class {int(classes.min())} or {int(classes.max())} of {self._classes}")

    def _check_scores(self, scores: Tensor, shape: tuple[int, ...]) -> None:
        if not scores.is_floating_point() or scores.element_size() < 2 or scores.shape != shape:
            raise self._nonsense(f"scores {scores.dtype} {tuple(scores.shape)}, expected floats {shape}")
        if scores.isnan().any():
            raise self._nonsense("NaN")
        if self.reveals != "logits" and (scores.min() < 0 or scores.max() > 1.01):  # halves are rounded
            raise self._nonsense("probabilities outside [0, 1]")

    def _unpacked(self, content: bytes, *names: str) -> list[Tensor]:
        try:
            return unpack(content, *names)
        except ValueError as error:
            raise self._nonsense(str(error)) from None

    def _about(self) -> dict[str, Any]:
        """What the service says of itself, every part of it checked."""
        content = self._accepted(self._send("about", b""))
        try:
            about = json.loads(content)
        except (ValueError, RecursionError):
            raise self._nonsense("no JSON where it should describe itself") from None
        if not isinstance(about, dict) or about.get("version") != 1:
            raise self._nonsense("a description of another version, or of another service")
        facts = {name: about.get(name) for name in ("reveals", "k", "budget", "rate", "classes", "largest")}
        reveals, k, budget, rate, classes, largest = facts.values()
        fine = reveals in REVEALS and (_is_count(k, 1) if reveals == "top_k" else k is None)
        fine &= all(each is None or _is_count(each, least) for each, least in ((budget, 0), (classes, 2)))
        fine &= rate is None or (isinstance(rate, (int, float)) and 0 < rate < math.inf)
        if not fine or not _is_count(largest, 2 * ENVELOPE):
            raise self._nonsense("a description of itself that cannot be")
        return facts

    def _nonsense(self, what: str) -> OracleError:
        return OracleError(f"{self._url} answered with {what}: it is no service of this kind, or a broken one")

    def _accepted(self, response: Response) -> bytes:
        """The content of an answer; a refusal is raised."""
        status = response.status
        if status == 200:
            return response.content
        detail = _detail(response.content)
        if status == BUDGET_SPENT:
            raise QueryBudgetExceeded(detail or f"{self._url} says that the budget is spent")
        if status in (401, 403):
            raise OracleError(f"{self._url} refused the key ({status})")
        if 300 <= status < 400:
            raise OracleError(f"{self._url} answered with a redirect ({status}), which is not followed")
        if status == OTHER_CONTENT:
            raise OracleError(f"session {self.session!r} cannot go on: {detail}. Another run takes another session")
        if status == MODEL_FAILED:
            raise OracleError(f"the model behind {self._url} failed: {detail}")
        raise OracleError(f"{self._url} refused the request ({status}): {detail}")

    def _send(self, path: str, body: bytes, number: str | None = None) -> Response:
        return self._sender.send(path, body, {} if number is None else {CALL_HEADER: f"{self.session}/{number}"})

    def __repr__(self) -> str:
        length = "" if self.k is None else f", k={self.k}"
        return (
            f"HttpOracle({self._url!r}, reveals={self.reveals!r}{length}, budget={self.budget}, "
            f"session={self.session!r})"
        )


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= UNLIMITED


def _detail(content: bytes) -> str:
    """What a refusal says, as one printable line of a sane length."""
    try:
        said = json.loads(content)["detail"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return "no reason given"
    return "".join(letter for letter in str(said)[:300] if letter.isprintable())
