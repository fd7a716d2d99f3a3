"""That a function leaves no trace: of a model, of tensors, of torch's global random state."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

MODES = ("eval", "train", "mixed")


def in_use(model: nn.Sequential, mode: str) -> nn.Sequential:
    """The model in that mode, some gradients filled and one parameter frozen: whatever is left behind shows."""
    model.train(mode != "eval")
    if mode == "mixed":  # a frozen BatchNorm in a network that trains
        next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    for parameter in list(model.parameters())[:3]:
        parameter.grad = torch.ones_like(parameter)
    next(model.parameters()).requires_grad_(False)
    return model


@contextmanager
def unchanged(model: nn.Module, *tensors: Tensor, buffers: bool = True) -> Iterator[None]:
    """Inside, modes, parameters and (unless left out) buffers of the model stay as they are, and the tensors; of
    parameters and tensors also ``.grad`` and ``requires_grad``."""
    held = {**dict(model.named_parameters()), **{f"tensor {i}": tensor for i, tensor in enumerate(tensors)}}
    held |= dict(model.named_buffers()) if buffers else {}
    before = {name: (tensor.detach().clone(), copy.deepcopy(tensor.grad)) for name, tensor in held.items()}
    flags = {name: tensor.requires_grad for name, tensor in held.items()}
    modes = {name: module.training for name, module in model.named_modules()}
    yield
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert {name: tensor.requires_grad for name, tensor in held.items()} == flags
    for name, tensor in held.items():
        value, gradient = before[name]
        assert torch.equal(tensor, value), name
        assert (tensor.grad is None) == (gradient is None), f"gradient of {name}"
        assert gradient is None or torch.equal(tensor.grad, gradient), f"gradient of {name}"


@contextmanager
def undrawn() -> Iterator[None]:
    """Inside, nothing is drawn from torch's global random state, and no seed is set."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)
