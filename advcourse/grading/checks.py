"""Checks of a student's functions that say what is wrong.

Each check either returns or raises ``CheckFailed`` with a message for the student. They look at types and
compare numbers by tolerance: an object that claims to equal everything passes none of them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from advcourse.grading.draws import unseen as unseen
from advcourse.grading.quiet import quiet

SLACK = 1e-6
"""Rounding that is allowed in a float32 pixel."""


class CheckFailed(AssertionError):
    """What is wrong with a student's function; a notebook shows the message alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[0;31m✗\x1b[0m {self}"]


_right: dict[str, Callable] = {}
_failures: list[CheckFailed] = []


def if_wrong_before(**functions: Callable) -> None:
    """Right versions of earlier exercises, for the next ``exercise`` only.

    It passes if it does with these in the place of the student's own or, where that fails (a function may have got
    more arguments), with the student's own: a mistake in one exercise costs no points in the next.
    """
    _right.update(functions)


def exercise(title: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Decorator that runs a test at once, with the standard error kept quiet, and prints "✓ title" if it passes.

    A test is a function, so that its variables do not overwrite those of the student's notebook.
    """

    def run(test: Callable[[], None]) -> Callable[[], None]:
        right = dict(_right)
        _right.clear()
        with quiet(), torch.enable_grad():  # whatever mode an earlier exercise left
            if not (right and _passes_with(right, test)):
                _passes(test)
            print(f"✓ {title}")
        return test

    return run


def _passes(test: Callable[[], None]) -> None:
    """Run it; a failure that was raised inside a function of the test counts where the answer swallowed it, too."""
    _failures.clear()
    try:
        test()
        if _failures:
            raise _failures[0]
    finally:
        _failures.clear()


def _passes_with(right: dict[str, Callable], test: Callable[[], None]) -> bool:
    names = test.__globals__
    kept = {name: names.pop(name) for name in right if name in names}
    names.update(right)
    try:
        with torch.random.fork_rng(devices=[]):  # a second run is to find random numbers as the first one did
            _passes(test)
    except Exception:
        return False
    finally:
        for name in right:
            del names[name]
        names.update(kept)
    return True


def fail(message: str) -> NoReturn:
    """Raises ``CheckFailed``, once more at the end of the exercise if it is caught."""
    _failures.append(CheckFailed(message))
    raise _failures[-1]


def tensor(
    result: Any,
    name: str,
    *,
    shape: Sequence[int],
    dtype: torch.dtype,
    finite: bool = True,
    images: bool = True,
) -> Tensor:
    """``result`` detached, if it is a finite ``torch.Tensor`` of that shape and dtype.

    Args:
        finite: False allows infinity.
        images: False where the function gets no images that its dtype could be that of.
    """
    if result is None:
        fail(f"{name} returned None: is the `return` missing, or on one branch only?")
    if type(result) not in (Tensor, nn.Parameter):
        fail(f"{name} returned {_article(type(result).__name__)}; expected a torch.Tensor")
    if tuple(result.shape) != tuple(shape):
        fail(f"{name} returned shape {tuple(result.shape)}; expected {tuple(shape)}")
    if result.dtype != dtype:
        fail(
            f"{name} returned {result.dtype}; "
            + (f"the images are {dtype}: keep their dtype" if images else f"expected {dtype}")
        )
    if result.isnan().any() or (finite and result.isinf().any()):
        fail(f"{name} returned values that are not finite (nan{' or inf' if finite else ': is it 0 divided by 0?'})")
    return result.detach().clone()


def number(result: Any, name: str, *, nan: bool = False) -> float:
    """``result`` as a float, if it is a real number of Python or NumPy, a fraction too, or a tensor of one element."""
    if (type(result) is Tensor and result.numel() == 1 and result.dtype != torch.bool) or isinstance(result, np.number):
        result = result.item()
    if isinstance(result, bool) or not isinstance(result, Real):
        fail(f"{name} returned {_article(type(result).__name__)}; expected one number")
    if math.isnan(result) and not nan:
        fail(f"{name} is nan, expected one number (is it 0 divided by 0?)")
    return float(result)


def numbers(result: Any, name: str, count: int) -> Tensor:
    """``(count,)`` numbers, as a tensor, array or list of them, detached and in float64."""
    if type(result) in (list, tuple):
        result = torch.tensor([number(each, name) for each in result], dtype=torch.float64)
    elif type(result) is np.ndarray and result.dtype.kind in "fiu":
        result = torch.as_tensor(result.astype(np.float64))
    if result is not None and not isinstance(result, Tensor):
        fail(f"{name} returned {_article(type(result).__name__)}; expected {count} numbers, in a list or a tensor")
    dtype = torch.float64
    if isinstance(result, Tensor) and result.dtype != torch.bool and not result.is_complex():
        dtype = result.dtype
    return tensor(result, name, shape=(count,), dtype=dtype, images=False).double()


def attack(function: Callable, model: nn.Module, images: Tensor, labels: Tensor, *arguments: object) -> Tensor:
    """The images an attack returns, checked for type, shape, dtype and the box [0, 1].

    The function works on copies: one that overwrites its input is found by ``leaves_no_trace``.
    """
    name = getattr(function, "__name__", "your function")
    result = function(model, images.clone(), labels.clone(), *arguments)
    result = tensor(result, name, shape=images.shape, dtype=images.dtype)
    in_box(result, name)
    return result


def in_box(images: Tensor, name: str) -> None:
    """Every pixel lies in [0, 1]."""
    low, high = images.min().item(), images.max().item()
    if low < 0 or high > 1:
        fail(f"{name} returned pixels from {low:.3f} to {high:.3f}, outside [0, 1]: did you clamp the result?")


def in_ball(adversarial: Tensor, images: Tensor, eps: float, name: str) -> None:
    """‖adversarial - images‖∞ ≤ ``eps``."""
    largest = (adversarial - images).abs().max().item()
    if largest > eps + SLACK:
        fail(f"{name}: your δ reaches {largest:.3f} but ε is {eps:.3f}: did you project after the step?")


@contextlib.contextmanager
def leaves_no_trace(name: str, model: nn.Module, *tensors: Tensor) -> Iterator[None]:
    """After the block nothing has changed: the tensors, their ``requires_grad``, the model's ``.grad`` and modes."""
    before = [(t.clone(), t.requires_grad) for t in tensors]
    parameters = [(p, p.detach().clone(), p.requires_grad) for p in model.parameters()]
    modes, grad_mode = [(m, m.training) for m in model.modules()], torch.is_grad_enabled()
    yield
    changed = torch.is_grad_enabled() != grad_mode
    torch.set_grad_enabled(grad_mode)
    if changed:
        fail(f"{name} left PyTorch's gradient mode switched: `with torch.no_grad():` switches it back")
    for now, (then, required) in zip(tensors, before, strict=True):
        if not torch.equal(now.detach(), then):
            fail(f"{name} overwrote its input: the caller's tensor changed. Work on a copy")
        if now.requires_grad != required or now.grad is not None:
            fail(
                f"{name} left requires_grad or .grad set on the caller's tensor. "
                "Work on a copy: `x = images.detach().clone().requires_grad_()`"
            )
    for now, then, required in parameters:
        if not torch.equal(now.detach(), then):
            fail(f"{name} changed the model's parameters")
        if now.grad is not None:
            fail(
                f"{name} filled .grad of the model's parameters. `torch.autograd.grad(loss, x)` "
                "asks for the gradient with respect to x alone"
            )
        if now.requires_grad != required:
            fail(f"{name} changed requires_grad of the model's parameters and did not restore it")
    changed_mode = [m for m, training in modes if m.training != training]
    if changed_mode:
        part = "the model" if changed_mode[0] is model else f"a {type(changed_mode[0]).__name__} of the model"
        fail(f"{name} switched {part} between train and eval mode")


def no_graph(result: Tensor, name: str) -> None:
    """The result is plain data: it carries no autograd graph."""
    if result.requires_grad:
        fail(
            f"the result of {name} still requires a gradient, so it keeps its whole computation in memory. "
            "Return it `.detach()`ed"
        )


def close(actual: Tensor, expected: Tensor, message: str) -> None:
    """``actual`` equals ``expected`` up to rounding; otherwise ``message``."""
    try:
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-8)
    except AssertionError:
        fail(message)


def value(actual: float, expected: float, name: str, mistakes: dict[str, float] | None = None) -> None:
    """A number is right; where it is what a known mistake gives, the message names the mistake.

    Args:
        mistakes: explanation -> the value that this mistake gives.
    """
    if math.isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-9):
        return
    for explanation, wrong in (mistakes or {}).items():
        if math.isclose(actual, wrong, rel_tol=1e-4, abs_tol=1e-6):
            fail(f"{name} gives {actual:.4g}, expected {expected:.4g}: {explanation}")
    fail(f"{name} gives {actual:.4g}, expected {expected:.4g}")


def slack(expected: Tensor) -> float:
    """What rounding may take of sums over an image, beside their largest entry."""
    share = 1e-9 if expected.dtype == torch.float64 else 1e-4
    return share * max(1e-6, expected.abs().max().item())


def values(
    actual: Tensor,
    expected: Tensor,
    name: str,
    mistakes: Mapping[str, Tensor | list] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> None:
    """``value`` for tensors of one shape; without a known mistake the message shows where they differ most.

    Args:
        mistakes: explanation -> what this mistake gives, in the same shape.
        rtol: relative error allowed; more than rounding where numbers are written down with few digits.
        atol: absolute error allowed.
    """
    for explanation, numbers in {"": expected, **(mistakes or {})}.items():
        right = torch.as_tensor(numbers, dtype=actual.dtype)
        if right.shape == actual.shape and torch.allclose(actual, right, rtol=rtol, atol=atol):
            return fail(f"{name}: {explanation}") if explanation else None
    n = int((actual - expected).abs().argmax())
    place = tuple(int(i) for i in torch.unravel_index(torch.tensor(n), actual.shape))
    where = f"(image, channel, row, column) {place}" if len(place) == 4 else f"{place}"
    got, want = actual.flatten()[n].item(), expected.flatten()[n].item()
    if f"{got:.4g}" == f"{want:.4g}":
        fail(f"{name} gives {got:.10g} at {where}, expected {want:.10g}: is something computed in float32 on the way?")
    fail(f"{name} gives {got:.4g} at {where}, expected {want:.4g}")


def perturbation(adversarial: Tensor, expected: Tensor, images: Tensor, name: str) -> None:
    """The images after an attack are the exact ones; otherwise says how the perturbation δ differs.

    Args:
        adversarial: what the student's function returned.
        expected: the exact result.
        images: the images before the attack.
    """
    moved, right = adversarial - images, expected - images
    if torch.allclose(moved, right, rtol=0, atol=SLACK):
        return
    both = (moved.abs() > SLACK) & (right.abs() > SLACK)
    if both.any() and (moved[both].sign() == -right[both].sign()).all():
        fail(f"{name}: every pixel moves the wrong way: look at the sign in front of the step")
    largest, limit = moved.abs().max().item(), right.abs().max().item()
    if largest < SLACK:
        fail(f"{name}: the images came back as they were, expected changes of up to {limit:.4f}")
    if abs(largest - limit) > SLACK:
        extra = ": are ε and the step in units of pixels in [0, 1], as the model takes them?"
        fail(f"{name}: your δ reaches {largest:.4f}, expected {limit:.4f}{extra if largest > limit else ''}")
    free = both & (expected > 0) & (expected < 1)
    sizes = moved[free].abs()
    if len(sizes) > 1 and right[free].abs().std() < SLACK < sizes.std():
        fail(
            f"{name}: pixels move by {sizes.min():.4f} to {sizes.max():.4f}, where each should move by "
            f"{limit:.4f}: the step is along the sign of the gradient, not along the gradient"
        )
    n = int((moved - right).abs().flatten(1).amax(1).argmax())
    i = int((moved - right)[n].abs().argmax())
    fail(
        f"{name}: pixel {i} of image {n} became {adversarial[n].flatten()[i]:.4f}, expected "
        f"{expected[n].flatten()[i]:.4f} (it was {images[n].flatten()[i]:.4f})"
    )


def stopping(adversarial: Tensor, images: Tensor, steps: Sequence[int], step_size: float, name: str) -> None:
    """Each image took its own number of steps of ``step_size`` (on a model where no pixel meets a bound)."""
    for n, right in enumerate(steps):
        taken = (adversarial[n] - images[n]).abs().max().item() / step_size
        if abs(taken - right) < 1e-4:
            continue
        if right == 0:
            fail(f"{name}: image {n} needed no step but took {taken:.3g}: leave it untouched")
        fail(
            f"{name}: image {n} took {taken:.3g} steps, expected {right}: decide image by image whether to go on, "
            "from the model's prediction for the current image"
        )


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
