"""The device's draws: from generators of its own, or from a state of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

NAME = "pretend"
DEVICE = f"{NAME}:0"
OF_CPU = torch.Generator
STATE = OF_CPU()


class Generator(OF_CPU):
    """``torch.Generator``, of the device too: it draws what a CPU's of that seed would, but for the device alone."""

    there: dict[int, Generator] = {}

    def __new__(cls, device: Any = "cpu") -> Generator:
        on_device = torch.device(device).type == NAME
        made = super().__new__(cls, "cpu" if on_device else device)
        if on_device:
            cls.there[made._cdata] = made  # an operator is given another object, with the same address behind it
        return made

    @property
    def device(self) -> torch.device:
        return torch.device(DEVICE if self._cdata in self.there else "cpu")


def drawn(operator: Any, args: Any, kwargs: Any) -> Any:
    """What draws does so from a generator of the device, or from the device's own state."""
    given = next((each for each in (*args, *kwargs.values()) if isinstance(each, OF_CPU)), None)
    if given is not None:
        refuse_generator(given, NAME, operator)
        return operator(*args, **kwargs)
    with torch.random.fork_rng([]):
        torch.set_rng_state(STATE.get_state())
        result = operator(*args, **kwargs)
        STATE.set_state(torch.get_rng_state())
    return result


def drawn_where_it_belongs(factory: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The factory, which refuses a generator of the device for a draw on the CPU."""

    @wraps(factory)
    def draw(*args: Any, generator: OF_CPU | None = None, **kwargs: Any) -> Tensor:
        result = factory(*args, generator=generator, **kwargs)
        if generator is not None:
            refuse_generator(generator, result.device.type, factory.__name__)
        return result

    return draw


def refuse_generator(generator: OF_CPU, device: str, operator: Any) -> None:
    found = NAME if generator._cdata in Generator.there else "cpu"
    if found != device:
        raise RuntimeError(f"Expected a '{device}' device type for generator but found '{found}' ({operator})")
