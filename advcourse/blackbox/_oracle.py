"""A model behind an interface: it shows what it must, bills every query to an image, and refuses when that is spent."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from advcourse.core.oracles import Answers, Asked, OracleError, QueryBudgetExceeded, TopK, check_reveals
from advcourse.core.running import Model, answer, untouched
from advcourse.core.validation import check_answer, check_callable, check_choice, check_count, check_model

REVEALS = ("logits", "probabilities", "top_k", "label")
UNLIMITED = torch.iinfo(torch.int64).max
ROWS = 10**7


class Oracle:
    """A model that is asked and not seen. ``oracle(x, rows)`` answers the images ``x``, and bills query i to the image
    ``rows[i]``.

    A call that would take an image over its budget is refused whole, before the model has seen any of it, and costs
    nothing. An answer has no graph, and the model is run in the mode it is in and left as it was.

    The model is not among the attributes, is not pickled or copied, and is in no frame of an error's traceback. That
    is as far as one process can hide it: who reads the memory of the process reads the model. ``HttpOracle`` asks one
    that is in another.

    Args:
        model: maps images to logits ``(N, K)``.
        reveals: ``"logits"``; ``"probabilities"``, their softmax, both ``(M, K)``; ``"top_k"``, a ``TopK`` of the
            ``k`` likeliest classes; or ``"label"``, the likeliest class, int64 ``(M,)``.
        k: length of the list, for ``"top_k"`` alone.
        budget: queries that every image has; no limit where not given.
        batch_size: the model sees at most so many images at once.
        flags: an alarm, from answers as they are revealed to a bool ``(M,)``: queries that it marks are counted
            apart too, ``flagged``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the settings are those of Ilyas, Engstrom, Athalye & Lin 2018, arXiv:1804.08598; the second count is
    the cost of Debenedetti, Carlini & Tramer 2023, arXiv:2306.02895.
    """

    def __init__(
        self,
        model: Model,
        *,
        reveals: str = "logits",
        k: int | None = None,
        budget: int | None = None,
        batch_size: int | None = None,
        flags: Callable[[Answers], Tensor] | None = None,
    ):
        check_callable(model=model)
        check_choice("reveals", reveals, REVEALS)
        check_count(optional=True, k=k, batch_size=batch_size)
        check_count(optional=True, at_least=0, budget=budget)
        if (k is None) == (reveals == "top_k"):
            expected = "how many classes the list names" if reveals == "top_k" else "None: only a list has a length"
            raise ValueError(f"k is {k}, expected {expected}, where reveals is {reveals!r}")
        if flags is not None:
            check_callable(flags=flags)
        self.reveals, self.k, self.budget = reveals, None if k is None else int(k), budget
        _behind[self] = _Answering(model, reveals, self.k, batch_size, flags)
        self._billed = torch.zeros(0, dtype=torch.int64)
        self._flagged = torch.zeros(0, dtype=torch.int64)

    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Answers:
        """Answer the images ``x``, ``(M, C, H, W)``; image i of them is asked for the image ``rows[i]`` of the set.

        Args:
            x: finite images in floating point. What an attack asks about may leave the box.
            rows: int64 ``(M,)``, on any device; 0 to M - 1 where not given.

        Raises:
            QueryBudgetExceeded: for the whole call, of which then nothing is billed.
            OracleError: where the model fails, or answers with NaN. The call is billed.
            ValueError: for bad input.
        """
        rows = check_queries(x, rows)
        needed = torch.bincount(rows)
        self._make_room(len(needed))
        if self.budget is not None:
            short = (self._billed[: len(needed)] + needed > self.budget) & (needed > 0)
            if short.any():
                row = int(short.nonzero()[0, 0])
                raise QueryBudgetExceeded(
                    f"image {row} has {self.budget - int(self._billed[row])} queries left of {self.budget}, "
                    f"and {int(needed[row])} were asked for"
                )
        self._billed[: len(needed)] += needed
        failure: BaseException | None = None
        try:
            answers, marked = _behind[self](x)
        except (OracleError, ValueError) as error:
            failure = type(error)(str(error))
        except Exception as error:
            failure = OracleError(f"the model behind the oracle raised {type(error).__name__}: {error}")
        except BaseException as error:
            failure = type(error)()
        if failure is not None:
            raise failure  # anew: in the frames of the first is the model
        if marked is not None:
            self._flagged[: len(needed)] += torch.bincount(rows[marked], minlength=len(needed))
        return answers

    def queries(self, rows: Tensor | None = None) -> Tensor:
        """How many queries have been billed to those images of the set, int64; to all that were asked about, in
        order, where ``rows`` is not given.
        """
        return self._counts(self._billed, rows)

    def flagged(self, rows: Tensor | None = None) -> Tensor:
        """Of these, those that the alarm marked."""
        return self._counts(self._flagged, rows)

    def left(self, rows: Tensor) -> Tensor:
        """How many queries those images still have, int64, on the device of ``rows``; 2⁶³ - 1 without a budget."""
        if self.budget is None:
            return torch.full_like(check_rows(rows), UNLIMITED)
        return self.budget - self.queries(rows)

    def _make_room(self, count: int) -> None:
        more = count - len(self._billed)
        if more > 0:
            none = torch.zeros(more, dtype=torch.int64)
            self._billed, self._flagged = (torch.cat([held, none]) for held in (self._billed, self._flagged))

    def _counts(self, held: Tensor, rows: Tensor | None) -> Tensor:
        if rows is None:
            return held.clone()
        places = check_rows(rows).cpu()
        more = int(places.max()) + 1 - len(held) if len(places) else 0
        if more > 0:
            held = torch.cat([held, held.new_zeros(more)])
        return held[places].to(rows.device)

    def __repr__(self) -> str:
        length = "" if self.k is None else f", k={self.k}"
        return f"Oracle(reveals={self.reveals!r}{length}, budget={self.budget})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an Oracle is not pickled or copied: it would carry the model that it hides")


class _Answering:
    """The model with what it shows of its logits."""

    def __init__(
        self,
        model: Model,
        reveals: str,
        k: int | None,
        batch_size: int | None,
        flags: Callable[[Answers], Tensor] | None,
    ):
        self.model, self.reveals, self.k, self.batch_size, self.flags = model, reveals, k, batch_size, flags

    def __call__(self, x: Tensor) -> tuple[Answers, Tensor | None]:
        """The answers, and which of them the alarm marks."""
        x = x.detach()
        check_model(self.model, x)
        parts = []
        with untouched(self.model, x), torch.no_grad():
            for batch in x.split(len(x) if self.batch_size is None else int(self.batch_size)):
                parts.append(answer(self.model, batch.clone()))
                check_answer(parts[-1], len(batch))
        answers = reveal(torch.cat(parts).detach(), self.reveals, self.k)
        if self.flags is None:
            return answers, None
        marked = self.flags(answers)
        if not isinstance(marked, Tensor) or marked.dtype != torch.bool or marked.shape != x.shape[:1]:
            came = f"{marked.dtype} {tuple(marked.shape)}" if isinstance(marked, Tensor) else type(marked).__name__
            raise ValueError(f"flags returned {came}, expected a bool tensor ({len(x)},)")
        return answers, marked.cpu()


_behind: WeakKeyDictionary[Oracle, _Answering] = WeakKeyDictionary()


def reveal(logits: Tensor, reveals: str, k: int | None = None) -> Answers:
    """What an interface shows of logits ``(M, K)``.

    Raises:
        OracleError: for NaN.
        ValueError: for a list of more classes than there are.
    """
    if logits.isnan().any():
        row = int(logits.isnan().any(1).nonzero()[0, 0])
        raise OracleError(f"the model behind the oracle answered query {row} of the call with NaN")
    if reveals == "logits":
        return logits
    if reveals == "label":
        return logits.argmax(1)
    probabilities = logits.softmax(1)
    if reveals == "probabilities":
        return probabilities
    assert k is not None
    if k > logits.shape[1]:
        raise ValueError(f"k is {k}, expected at most {logits.shape[1]}: the model has no more classes")
    classes = logits.topk(k, dim=1).indices
    return TopK(classes, probabilities.gather(1, classes))


def check_queries(x: Tensor, rows: Tensor | None) -> Tensor:
    """Images to be asked about, and the rows they are billed to, int64 on the CPU."""
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.dim() != 4 or x.numel() == 0:
        came = f"{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"x is {came}, expected images (M, C, H, W) in floating point")
    if not x.isfinite().all():
        raise ValueError("x holds NaN or infinity, expected finite images")
    if rows is None:
        return torch.arange(len(x))
    if len(check_rows(rows)) != len(x):
        raise ValueError(f"rows has {len(rows)} entries, expected int64 ({len(x)},): whom each query is billed to")
    return rows.detach().cpu()


def check_rows(rows: object) -> Tensor:
    """Places of images in their set, int64 ``(M,)``, that queries are billed to."""
    if not isinstance(rows, Tensor) or rows.dtype != torch.int64 or rows.dim() != 1:
        came = f"{rows.dtype} {tuple(rows.shape)}" if isinstance(rows, Tensor) else type(rows).__name__
        raise ValueError(f"rows is {came}, expected int64 (M,)")
    low, high = map(int, rows.aminmax()) if len(rows) else (0, 0)
    if low < 0 or high >= ROWS:
        raise ValueError(f"rows holds {low} to {high}, expected places from 0 to {ROWS - 1}")
    return rows


def check_oracle(oracle: object, reveals: tuple[str, ...]) -> None:
    """What a black-box method asks, and that it reveals what the method needs."""
    if not isinstance(oracle, Asked):
        raise ValueError(
            f"oracle is a {type(oracle).__name__}, expected a blackbox.Oracle or HttpOracle: Oracle(model) makes one"
        )
    check_reveals(oracle, reveals)
