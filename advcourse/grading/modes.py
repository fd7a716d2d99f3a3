"""Checks of a training step: in which mode the network is attacked and fitted, and what the attack leaves behind."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from advcourse.grading.checks import CheckFailed, fail, tensor
from advcourse.grading.critics import double
from advcourse.grading.penalties import same_pull

Modes = list[tuple[str, bool]]


class Foreign:
    """An attack by somebody else: it calls ``backward()``, returns images with a graph, and keeps what it saw.

    Args:
        passes: through the network.
        breaks: it raises ``ArithmeticError`` at its end.
    """

    def __init__(self, passes: int = 2, breaks: bool = False):
        self.passes, self.breaks = passes, breaks
        self.calls: list[tuple[nn.Module, Tensor, Tensor]] = []
        self.modes: Modes = []
        self.running = False

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        self.calls.append((model, images, labels))
        self.modes, self.running = _modes(model), True
        try:
            x = images.detach().clone()
            for _ in range(self.passes):
                x.requires_grad_()
                nn.functional.cross_entropy(model(x), labels, reduction="sum").backward()
                assert x.grad is not None
                x = (x.detach() + x.grad).clamp(0, 1)
            if self.breaks:
                raise ArithmeticError("an attack that breaks off")
            weight = next(iter(model.parameters()))
            return (0.9 * x + 0.05 * weight.flatten()[:1].tanh()).clamp(0.01, 0.99)
        finally:
            self.running = False


def fits(function: Callable, network: nn.Module, images: Tensor, labels: Tensor, passes: int = 2) -> None:
    """One step: attacked in eval mode, fitted in the modes that the modules are in; no trace of the attack."""
    name = function.__name__
    model, before, gradients = _prepared(network)
    reference, attacked = _after(network, images, labels, passes)
    right = nn.functional.cross_entropy(reference(attacked), labels)
    attack, outer = Foreign(passes), list[Modes]()
    handle = model.register_forward_pre_hook(lambda m, i: None if attack.running else outer.append(_modes(m)))
    given = images.clone(), labels.clone()
    result = function(model, *given, attack)
    handle.remove()
    _attacked_once(attack, model, given, name)
    _in_eval(attack.modes, name)
    _as_before(before, model, name)
    if not outer:
        fail(f"{name} does not run the network on the attacked images")
    _fitted_as_before(outer, before, name)
    for mine, theirs in zip(given, (images, labels), strict=True):
        if not torch.equal(mine.detach(), theirs) or mine.requires_grad:
            fail(f"{name} changed the images or the labels that it was given")
    _gradients_as_before(model, gradients, name)
    found = tensor(result, name, shape=(), dtype=images.dtype).double()
    close = (1e-8, 1e-10) if images.dtype == torch.float64 else (1e-3, 1e-4)
    if not torch.allclose(found, right, *close):
        for why, other in _mistaken(network, images, labels, passes).items():
            if torch.allclose(found, other, *close):
                fail(f"{name}: {why}")
        fail(f"{name} gives {found:.5g}, expected {right.item():.5g}")
    _buffers_of_one_pass(model, network, reference, outer, name)
    why = "the attacked images are constants for the outer step (.detach())"
    same_pull(result, right, model, reference, 1e-8 if images.dtype == torch.float64 else 5e-3, name, why)


@contextmanager
def unswitched(name: str, model: nn.Module) -> Iterator[None]:
    """Every pass through the model is in the modes that its parts are in now, and so are they afterwards."""
    before, seen = _modes(model), list[Modes]()
    hook = model.register_forward_pre_hook(lambda m, _: seen.append(_modes(m)))
    try:
        yield
    finally:
        hook.remove()
    if any(each != before for each in [*seen, _modes(model)]):
        fail(f"{name} switched the network between train and eval mode: here it stays in the mode that it is in")


def breaks_off(function: Callable, network: nn.Module, images: Tensor, labels: Tensor) -> None:
    """Where the attack raises an error, it comes through, and modes and gradients are as before."""
    name = function.__name__
    model, before, gradients = _prepared(network)
    try:
        function(model, images.clone(), labels.clone(), Foreign(breaks=True))
    except ArithmeticError:
        pass
    except CheckFailed:
        raise
    except Exception as error:
        fail(f"{name}: the attack raised an ArithmeticError, and out came {type(error).__name__}: {error}")
    else:
        fail(f"{name}: the attack raised an ArithmeticError, and nobody learned of it")
    why = f"{name}, where the attack raises an error"
    _as_before(before, model, f"{why} (try: … finally: …)")
    _gradients_as_before(model, gradients, f"{why} (try: … finally: …)")


def _prepared(network: nn.Module) -> tuple[nn.Module, Modes, list[Tensor | None]]:
    """A copy with a gradient in every second parameter, as after the first half of an accumulated batch."""
    model = copy.deepcopy(network)
    for i, p in enumerate(model.parameters()):
        p.grad = torch.full_like(p, 0.25) if i % 2 == 0 else None
    kept = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    return model, _modes(model), kept


def _modes(model: nn.Module) -> Modes:
    return [
        (f"{type(m).__name__} ({where})" if where else "the network", m.training) for where, m in model.named_modules()
    ]


def _attacked_once(attack: Foreign, model: nn.Module, given: tuple[Tensor, Tensor], name: str) -> None:
    if len(attack.calls) != 1:
        fail(f"{name} calls the attack {len(attack.calls)} times, expected once")
    who, images, labels = attack.calls[0]
    if who is not model:
        fail(f"{name} hands another network to the attack (a copy?): expected the one that it was given")
    for what, came, right in (("images", images, given[0]), ("labels", labels, given[1])):
        if came.shape != right.shape or not torch.equal(came.detach(), right.detach()):
            fail(f"{name} hands other {what} to the attack than it was given")


def _in_eval(modes: Modes, name: str) -> None:
    still = [module for module, is_train in modes if is_train]
    if still:
        fail(
            f"{name}: inside the attack {still[0]} is in train mode, where an image's answer depends on its batch, and "
            "running statistics move: model.eval() before the attack"
        )


def _fitted_as_before(outer: list[Modes], before: Modes, name: str) -> None:
    for mode in outer:
        for (module, is_train), (_, was) in zip(mode, before, strict=True):
            if is_train and not was:
                fail(f"{name}: {module} was frozen, in eval mode, and the loss sees it in train mode: `model.train()`?")
            if was and not is_train:
                fail(f"{name}: the loss is computed with {module} in eval mode; it came in train mode")


def _as_before(before: Modes, model: nn.Module, name: str) -> None:
    for (module, was), (_, now) in zip(before, _modes(model), strict=True):
        if was and not now:
            fail(f"{name}: {module} was in train mode and is left in eval mode")
        if now and not was:
            fail(
                f"{name}: {module} was in eval mode (frozen) and is left in train mode: every module has a mode of its "
                "own, and `model.train()` overrides them all"
            )


def _gradients_as_before(model: nn.Module, before: list[Tensor | None], name: str) -> None:
    for p, was in zip(model.parameters(), before, strict=True):
        if was is None and p.grad is not None:
            fail(f"{name}: the attack's gradients are left in .grad; the optimiser would step along them too")
        if was is not None and p.grad is None:
            fail(f"{name}: .grad held a gradient (of the batch's first half, say), and it is gone")
        if was is not None and p.grad is not None and not torch.equal(was, p.grad):
            fail(
                f"{name}: .grad held a gradient, and the attack's is added to it. `backward()` adds in place: to keep "
                "the tensor and to put it back later is not enough, unless .grad is None meanwhile, or it is a copy"
            )


def _after(
    network: nn.Module, images: Tensor, labels: Tensor, passes: int, in_eval: bool = True
) -> tuple[nn.Module, Tensor]:
    """A copy in float64 as the attack leaves it, and the attacked images."""
    made = double(network)
    modes = [(m, m.training) for m in made.modules()]
    if in_eval:
        made.eval()
    x = Foreign(passes)(made, images.double(), labels).detach()
    for m, mode in modes:
        m.training = mode
    made.zero_grad(set_to_none=True)
    return made, x


def _mistaken(network: nn.Module, images: Tensor, labels: Tensor, passes: int) -> dict[str, Tensor]:
    loss = nn.functional.cross_entropy
    made, x = _after(network, images, labels, passes)
    trained, other = _after(network, images, labels, passes, in_eval=False)
    with torch.no_grad():
        return {
            "that is the sum over the images, expected the mean": loss(double(made)(x), labels, reduction="sum"),
            "that is the loss with the network in eval mode": loss(double(made).eval()(x), labels),
            "that is the loss with every module in train mode": loss(double(made).train()(x), labels),
            "that is the loss of the images as they are, expected of the attacked ones": loss(
                double(made)(images.double()), labels
            ),
            "the attack has run in train mode": loss(trained(other), labels),
        }


def _buffers_of_one_pass(model: nn.Module, old: nn.Module, right: nn.Module, outer: list[Modes], name: str) -> None:
    pairs = zip(model.named_buffers(), old.buffers(), right.buffers(), strict=True)
    for (where, now), before, expected in pairs:
        if torch.allclose(now.double(), expected.double(), rtol=1e-4, atol=1e-5):
            continue
        if torch.equal(now, before):
            fail(f"{name}: {where} has not moved: the pass of the loss should move it, once")
        told = " The attacked images go through the network once." if len(outer) > 1 else ""
        fail(f"{name}: {where} is not what one pass of the attacked images makes of it.{told}")
