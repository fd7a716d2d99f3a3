"""What a model was shown, and what a function was given."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from torch import Tensor, nn


class Recorder(nn.Module):
    """Another model, which remembers every batch it is run on in ``seen``."""

    def __init__(self, model: Callable[[Tensor], Tensor]):
        super().__init__()
        self.model, self.seen = model, []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return self.model(x)


class Call(NamedTuple):
    given: tuple
    named: dict[str, Any]
    result: Any


def watched(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[Call]:
    """Calls of the module's function from now on."""
    calls, function = [], getattr(module, name)

    def watching(*given, **named):
        result = function(*given, **named)
        calls.append(Call(given, named, result))
        return result

    monkeypatch.setattr(module, name, watching)
    return calls
