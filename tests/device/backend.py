"""A device that is not there: tensors on ``pretend:0``, each of which holds a CPU tensor that computes for it.

It is strict where a real device is: tensors of several devices in one operator are refused (but for what CUDA
allows), as are another device's generator and NumPy's look into its memory. Its random state is its own.

``set_up`` cannot be undone, and torch has room for one such backend in a process: use a process of its own.
"""

from __future__ import annotations

from collections.abc import Set
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils import backend_registration

from tests.device.draws import DEVICE, NAME, STATE, Generator, drawn_where_it_belongs
from tests.device.held import LACKS, copy_from, run

SETUP = "_setup_privateuseone_for_python_backend"  # private to torch, and experimental
KEPT: list[torch.library.Library] = []  # what is registered goes with the library that registered it


class Module:
    """What torch, and code for any device, looks for in ``torch.pretend``."""

    def __init__(self) -> None:
        self.waited = 0

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def set_device(self, device: Any) -> None:
        pass

    def device(self, device: Any) -> nullcontext:
        return nullcontext()

    def synchronize(self, device: Any = DEVICE) -> None:
        self.waited += 1

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed(self, seed: int) -> None:
        STATE.manual_seed(seed)

    manual_seed_all = manual_seed

    def get_rng_state(self, device: Any = DEVICE) -> Tensor:
        return STATE.get_state()

    def set_rng_state(self, state: Tensor, device: Any = DEVICE) -> None:
        STATE.set_state(state)


MODULE = Module()


def set_up(lacks: Set[torch.dtype] = frozenset()) -> None:
    """From here on this process has the device, which knows all dtypes but those that it ``lacks``."""
    getattr(backend_registration, SETUP)(NAME, MODULE)
    LACKS.update(lacks)
    everything, one = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    everything.fallback(run, "PrivateUse1")  # what makes tensors out of none
    everything.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    one.impl("_copy_from", copy_from, "PrivateUse1")  # how ``torch.tensor`` brings its numbers to the device
    KEPT.extend((everything, one))
    torch.accelerator.synchronize = MODULE.synchronize  # which Python backends cannot offer
    torch.Generator = Generator
    for name in ("rand", "randn", "randint", "randperm"):
        setattr(torch, name, drawn_where_it_belongs(getattr(torch, name)))
    # ``Module.to`` shall keep the identity of parameters, as it does from a CPU to CUDA.
    torch.__future__.set_swap_module_params_on_conversion(True)
