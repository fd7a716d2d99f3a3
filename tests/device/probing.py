"""What the device itself does: as the CPU where a device does, and refusing where one refuses."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.device.attacking import Found
from tests.support.scenes import seeded
from tests.support.toys import smooth_cnn


def numbers(device: str, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(3, 4, generator=seeded(), dtype=torch.float64).to(device, dtype)


def does_factories(device: str, dtype: torch.dtype) -> Found:
    x = numbers(device, dtype)
    return {
        "zeros": torch.zeros(2, 3, device=device),
        "ones": torch.ones(2, device=device, dtype=dtype),
        "full": torch.full((2,), 3.5, device=device),
        "arange": torch.arange(5, device=device),
        "odd": torch.arange(1, 9, 2, device=device, dtype=dtype),
        "linspace": torch.linspace(0, 1, 4, device=device),
        "eye": torch.eye(3, device=device),
        "tensor": torch.tensor([1.5, 2.0], device=device, dtype=dtype),
        "number": torch.tensor(2, device=device),
        "as_tensor": torch.as_tensor(x.float(), device=device),
        "new": x.new_tensor([1.0, 2.0]),
        "new_zeros": x.new_zeros(2),
        "new_full": x.new_full((2,), 0.5),
        "zeros_like": torch.zeros_like(x),
        "empty": torch.empty(0, device=device),
        "permuted": torch.randperm(7, generator=seeded(0, device), device=device),
        "uniform": torch.rand(3, generator=seeded(0, device), device=device),
        "normal": torch.randn(3, device=device),
        "whole": torch.randint(0, 9, (5,), device=device),
    }


def does_places(device: str, dtype: torch.dtype) -> Found:
    """To the device and back, and what Python sees."""
    x = numbers(device, dtype)
    assert x.cpu().device.type == "cpu" and x.cpu().to(device).device == x.device == torch.zeros(1).to(x).device
    assert x.numpy(force=True).shape == (3, 4) if device == "cpu" else True
    assert np.array_equal(x.cpu().numpy(), numbers("cpu", dtype).numpy())
    return {
        "item": x.sum().item(),
        "float": float(x[0, 0]),
        "truth": [bool((x > 0).all()), bool(x[0, 0] > 1)],
        "list": x.tolist(),
        "shape": [*x.shape, *x.stride(), *x.T.stride(), len(x), x.numel(), x[1:].storage_offset()],
        "rows": [row.tolist() for row in x],
        "type": x.to(torch.float32),
        "there": x.to(device),
    }


def does_layouts(device: str, dtype: torch.dtype) -> Found:
    """Views share their memory, and sizes and strides are the true ones."""
    x = numbers(device, dtype)
    flat, turned, part = x.view(-1), x.T, x[1:, ::2]
    part += 1
    turned[0] = 5.0
    shrunk, filled = torch.empty(0, device=device, dtype=dtype), torch.empty(0, device=device, dtype=dtype)
    torch.add(x, 1, out=filled)
    torch.arange(4, out=shrunk)
    swapped = x.clone().t_().unsqueeze_(0)
    pictures = torch.arange(48.0, device=device).view(2, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    found = {"x": x, "flat": flat, "turned": turned.reshape(-1), "part": part, "filled": filled, "shrunk": shrunk}
    found |= {"swapped": swapped.flatten(), "pictures": pictures.flatten(1)}
    strides = [*part.stride(), *filled.stride(), *shrunk.shape, *swapped.shape, *swapped.stride(), *pictures.stride()]
    return found | {"strides": strides}


def does_indices(device: str, dtype: torch.dtype) -> Found:
    x = numbers(device, dtype)
    rows = torch.tensor([2, 0], device=device)
    found = {"rows": x[rows], "pairs": x[rows[:, None], rows], "mask": x[x > 0.5], "cpu": x[torch.tensor([1, 1])]}
    y = x.clone()
    y[rows] = 0.25
    y[y > 0.5] += 1
    y[0] = torch.arange(4.0)  # copied from the CPU, as to CUDA
    y[:, 1] = torch.tensor(7.0)
    y[torch.tensor([1])] = torch.tensor(3.0, dtype=dtype)
    return found | {"set": y, "gathered": x.gather(1, rows[None].expand(3, -1)), "split": torch.cat(x.split(2))}


def does_numbers_of_the_cpu(device: str, dtype: torch.dtype) -> Found:
    x, two = numbers(device, dtype), torch.tensor(2.0, dtype=dtype)
    found = {"sum": x + two, "other": two - x, "where": torch.where(x > 0.5, x, two), "largest": torch.maximum(x, two)}
    return found | {"within": x.clone().mul_(two), "masked": x.masked_fill(x > 0.5, two)}


def does_autograd(device: str, dtype: torch.dtype) -> Found:
    x = numbers(device, dtype).requires_grad_()
    cube = (x**3).sum()
    (first,) = torch.autograd.grad(cube, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    y = x * 2
    y[0].mul_(3)
    y.view(-1)[5:7] = 1.0
    y.square().sum().backward()
    leaf = x.detach().clone().requires_grad_()
    with torch.no_grad():
        leaf -= 0.1
    with torch.inference_mode():
        inside = x * 2
    assert inside.is_inference() and not x.is_inference() and leaf.is_leaf and x.grad is not None
    return {"first": first, "second": second, "gradient": x.grad, "leaf": leaf, "inside": inside.clone()}


def does_modules(device: str, dtype: torch.dtype) -> Found:
    """Parameters stay the same objects when a module moves; copies and files hold what they should."""
    model = smooth_cnn(dtype=dtype)
    before = list(model.parameters())
    model.to(device)
    assert all(one is other for one, other in zip(before, model.parameters(), strict=True))
    assert all(isinstance(each, nn.Parameter) and each.is_leaf and each.requires_grad for each in before)
    images = torch.rand(2, 2, 8, 6, generator=seeded(), dtype=torch.float64).to(device, dtype)
    F.cross_entropy(model(images), torch.tensor([1, 3], device=device)).backward()
    copied = deepcopy(model)
    torch.optim.Adam(copied.parameters(), lr=0.1).step()
    assert all(isinstance(each, nn.Parameter) for each in copied.parameters())
    found = {f"grad {name}": each.grad for name, each in model.named_parameters()}
    return found | {f"copy {name}": each for name, each in copied.state_dict().items()}


def does_own_state(device: str, dtype: torch.dtype) -> Found:
    """Draws of the device, and of the CPU beside them, are those of the seed; none moves the other's state."""
    torch.manual_seed(5)
    state = torch.get_rng_state()
    there = torch.rand(3, device=device)
    if device != "cpu":
        assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    here = torch.rand(3)
    torch.manual_seed(5)
    dropped = F.dropout(numbers(device, dtype), 0.5)
    return {"there": there, "here": here.to(device), "dropped": dropped}


REFUSALS: dict[str, tuple[str, Callable[[Tensor, Tensor], object]]] = {
    "sum": ("same device", lambda there, here: there + here),
    "sum, the other way": ("same device", lambda there, here: here + there),
    "in place": ("same device", lambda there, here: there.add_(here)),
    "in place on the CPU": ("same device", lambda there, here: here.add_(there)),
    "number of the CPU, in place": ("same device", lambda there, here: torch.tensor(1.0).add_(there.sum())),
    "number of the device": ("same device", lambda there, here: here + there.sum()),
    "product": ("same device", lambda there, here: there @ here.T),
    "where": ("same device", lambda there, here: torch.where(there > 0, there, here)),
    "concatenation": ("same device", lambda there, here: torch.cat([there, here])),
    "stack of numbers": ("same device", lambda there, here: torch.stack([there.sum(), here.sum()])),
    "index of the device": ("same device", lambda there, here: here[torch.tensor([0], device=there.device)]),
    "values of the CPU": ("same device", lambda there, here: there.index_put_((torch.tensor([0]),), here[:1])),
    "gather": ("same device", lambda there, here: there.gather(1, torch.zeros(3, 1, dtype=torch.int64))),
    "out": ("same device", lambda there, here: torch.add(there, 1, out=here)),
    "loss": ("same device", lambda there, here: F.cross_entropy(there, torch.tensor([0, 1, 2]))),
    "module": ("same device", lambda there, here: smooth_cnn()(there.view(1, 1, 3, 4).expand(-1, 2, -1, -1))),
    "NumPy": ("numpy", lambda there, here: there.numpy()),
    "NumPy's asarray": ("numpy", lambda there, here: np.asarray(there)),
    "generator of the CPU": ("generator", lambda there, here: torch.rand(3, generator=seeded(), device=there.device)),
    "its draw in place": ("generator", lambda there, here: there.normal_(generator=seeded())),
    "generator of the device": ("generator", lambda there, here: torch.rand(3, generator=seeded(0, there.device))),
    "dtype": ("float64", lambda there, here: without_float64(there.float().double)),
    "dtype of a factory": ("float64", lambda there, here: without_float64(lambda: there.new_zeros(2))),
}


def without_float64(make: Callable[[], Tensor]) -> Tensor:
    from tests.device.held import LACKS

    LACKS.add(torch.float64)
    try:
        return make()
    finally:
        LACKS.clear()
