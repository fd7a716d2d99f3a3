"""Checks of what callers hand in, in one place. Each raises ``ValueError`` naming the argument, what came
and what was expected."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

ROUNDING = 1e-6
"""So far out of the box a pixel counts as on its edge: resizing and changes of precision leave it there."""
LARGEST_REAL = torch.finfo(torch.float32).max
LARGEST_WHOLE = torch.iinfo(torch.int64).max


def check_images(images: Tensor, name: str = "images") -> None:
    """Finite images ``(N, C, H, W)`` in float32 or float64, N ≥ 1, every value in [0, 1].

    What rounding took out of the box, by at most ``ROUNDING``, is let in; ``core.running.detached`` puts it back.
    """
    if not isinstance(images, Tensor):
        raise ValueError(f"{name} is a {type(images).__name__}, expected a tensor (N, C, H, W)")
    if not images.is_floating_point():
        raise ValueError(f"{name} has dtype {images.dtype}, expected floating point in [0, 1]: divide bytes by 255")
    if images.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"{name} has dtype {images.dtype}, expected torch.float32 or torch.float64: "
            "to run a network in half precision use torch.autocast"
        )
    if images.dim() != 4 or images.numel() == 0:
        raise ValueError(f"{name} has shape {tuple(images.shape)}, expected a non-empty (N, C, H, W)")
    if images.is_meta:
        raise ValueError(f"{name} is on the meta device, expected a device that holds values")
    low, high = (bound.item() for bound in torch.aminmax(images.detach()))
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"{name} holds NaN, expected finite values in [0, 1]")
    if low < -ROUNDING or high > 1 + ROUNDING:
        near = low > -0.1 and high < 1.1
        way = "clamp(0, 1) puts them back" if near else "normalisation belongs inside the model (networks.Normalized)"
        raise ValueError(f"{name} ranges over [{low:.7g}, {high:.7g}], expected [0, 1]: {way}")


def check_labels(labels: Tensor, images: Tensor, name: str = "labels") -> None:
    """int64 class indices ``(N,)``, none negative, on the images' device."""
    if not isinstance(labels, Tensor):
        raise ValueError(f"{name} is a {type(labels).__name__}, expected an int64 tensor (N,)")
    if labels.is_inference():
        raise ValueError(
            f"{name} was made under torch.inference_mode(), expected an ordinary tensor: use torch.no_grad()"
        )
    if labels.dtype != torch.int64:
        raise ValueError(f"{name} has dtype {labels.dtype}, expected torch.int64")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{name} has shape {tuple(labels.shape)}, expected ({len(images)},): one per image")
    if labels.device != images.device:
        raise ValueError(f"{name} is on {labels.device} and images on {images.device}, expected one device")
    if labels.min() < 0:
        raise ValueError(f"{name} holds {labels.min().item()}, expected class indices from 0")


def check_indices(indices: Tensor, images: Tensor, name: str = "indices") -> None:
    """int64 places ``(N,)`` of the images in their set, none negative."""
    if not isinstance(indices, Tensor) or indices.dtype != torch.int64 or indices.shape != images.shape[:1]:
        came = f"{indices.dtype} {tuple(indices.shape)}" if isinstance(indices, Tensor) else type(indices).__name__
        raise ValueError(f"{name} is {came}, expected int64 ({len(images)},): the place of each image in its set")
    if indices.min() < 0:
        raise ValueError(f"{name} holds {indices.min().item()}, expected places from 0")


def check_model(model: Callable[[Tensor], Tensor], images: Tensor) -> None:
    """A callable; where it has parameters or buffers, they share the images' device and precision."""
    if not callable(model):
        raise ValueError(f"model is a {type(model).__name__}, expected a callable from images to logits")
    if not isinstance(model, nn.Module):
        return
    held = next((t for t in chain(model.parameters(), model.buffers()) if t.is_floating_point()), images)
    if held.device != images.device:
        raise ValueError(f"model is on {held.device} and images on {images.device}, expected one device")
    if held.dtype != images.dtype and not torch.is_autocast_enabled(images.device.type):
        raise ValueError(f"model has dtype {held.dtype} and images {images.dtype}, expected one precision")


def check_models(
    models: Sequence[nn.Module] | Mapping[str, nn.Module], at_least: int = 1, *, named: bool = False
) -> None:
    """So many modules or more: by name, or else in a sequence."""
    if not isinstance(models, Mapping if named else Sequence) or isinstance(models, str):
        form = "by name, in a dictionary" if named else "in a list"
        raise ValueError(f"models is a {type(models).__name__}, expected several models {form}")
    if len(models) < at_least:
        raise ValueError(f"models holds {len(models)} models, expected at least {at_least}")
    for model in models.values() if isinstance(models, Mapping) else models:
        if not isinstance(model, nn.Module):
            raise ValueError(f"models holds a {type(model).__name__}, expected torch.nn.Modules")


def check_attacked(images: Tensor, labels: Tensor, targets: Tensor | None = None) -> None:
    """What is attacked: images, labels, and targets where given."""
    check_images(images)
    check_labels(labels, images)
    if targets is not None:
        check_labels(targets, images, "targets")
        same = int((targets == labels).sum())
        if same:
            raise ValueError(f"targets equals labels for {same} of {len(labels)} images, expected another class")


def check_inputs(model: Callable, images: Tensor, labels: Tensor, targets: Tensor | None = None) -> None:
    """The arguments every attack shares: what is attacked, and the model."""
    check_attacked(images, labels, targets)
    check_model(model, images)


def check_answer(answer: object, count: int) -> None:
    """What a model returned for so many images: floating-point logits ``(count, K)``, K ≥ 2."""
    if not isinstance(answer, Tensor):
        raise ValueError(f"model returned {type(answer).__name__}, expected logits ({count}, classes){_picked(answer)}")
    if answer.dim() != 2 or len(answer) != count:
        flat = ": flatten(1) them" if answer.dim() > 2 and answer[0].numel() == answer.shape[1] else ""
        raise ValueError(f"model returned {tuple(answer.shape)}, expected logits ({count}, classes){flat}")
    if answer.shape[1] < 2:
        raise ValueError(
            f"model returned {tuple(answer.shape)}, expected logits ({count}, classes) of at least 2 classes: "
            "one column z becomes two by torch.cat([torch.zeros_like(z), z], 1)"
        )
    if not answer.is_floating_point():
        raise ValueError(f"model returned {answer.dtype}, expected floating-point logits")


def _picked(answer: object) -> str:
    """The wrapper that makes logits of an answer that holds them."""
    if isinstance(getattr(answer, "logits", None), Tensor):
        way = "answer.logits"
    elif isinstance(answer, Mapping):
        way = f"answer[{next((key for key in answer if key == 'logits'), next(iter(answer), 'logits'))!r}]"
    elif isinstance(answer, Sequence) and any(isinstance(part, Tensor) for part in answer):
        way = f"answer[{next(i for i, part in enumerate(answer) if isinstance(part, Tensor))}]"
    else:
        return ""
    return f": wrap it, wrappers.logits_from(model, lambda answer: {way})"


def check_logits(logits: Tensor, labels: Tensor, targets: Tensor | None = None) -> None:
    """Logits ``(N, K)`` whose K classes cover every label and target."""
    check_answer(logits, len(labels))
    for name, indices in (("labels", labels), ("targets", targets)):
        if indices is not None and indices.max() >= logits.shape[1]:
            highest = logits.shape[1] - 1
            raise ValueError(f"{name} holds {indices.max().item()}, expected at most {highest}: the model's last class")


def check_at_least(minimum: float, *, optional: bool = False, **arguments: float | None) -> None:
    """Every named argument is a finite number, of Python's or NumPy's, not below ``minimum`` and such that float32, or
    where it is whole int64, holds it; or, where ``optional``, ``None``.
    """
    for name, value in arguments.items():
        if optional and value is None:
            continue
        whole = isinstance(value, Integral)
        known = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if value is None or not known or not (whole or math.isfinite(value)):
            raise ValueError(f"{name} is {value!r}, expected a finite number")
        largest = LARGEST_WHOLE if whole else LARGEST_REAL
        if abs(int(value) if whole else float(value)) > largest:
            raise ValueError(f"{name} is {value}, expected at most {largest} in size")
        if value < minimum:
            raise ValueError(f"{name} is {value}, expected at least {minimum}")


def check_above(minimum: float, **arguments: float) -> None:
    """Every named argument is a finite number greater than ``minimum``."""
    check_at_least(minimum, optional=False, **arguments)
    for name, value in arguments.items():
        if value <= minimum:
            raise ValueError(f"{name} is {value}, expected more than {minimum}")


def check_count(*, optional: bool = False, at_least: int = 1, **arguments: int | None) -> None:
    """Every named argument is a whole number of at least one (or ``at_least``); or, where ``optional``, ``None``."""
    for name, value in arguments.items():
        if optional and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(f"{name} is {value!r}, expected a whole number")
        if value < at_least:
            raise ValueError(f"{name} is {value}, expected at least {at_least}")


def check_gradient(gradient: Tensor, images: Tensor, name: str = "gradient") -> None:
    """A finite gradient ``(N, C, H, W)``, shaped and typed as the images and on their device."""
    check_alike(name, gradient, images, tuple(images.shape), "the images'")


def check_alike(
    name: str, tensor: Tensor, images: Tensor, shape: tuple[int, ...], meaning: str, finite: bool = True
) -> None:
    """A (finite) tensor of that shape, typed as the images and on their device."""
    if not isinstance(tensor, Tensor) or tensor.shape != shape:
        came = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
        raise ValueError(f"{name} is {came}, expected {shape}: {meaning}")
    if tensor.dtype != images.dtype or tensor.device != images.device:
        found, expected = (f"{t.dtype} on {t.device}" for t in (tensor, images))
        raise ValueError(f"{name} is {found}, expected {expected} as the images")
    if finite and not tensor.isfinite().all():
        raise ValueError(f"{name} holds NaN or infinity, expected finite values")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """``value`` is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(choices)}")


def check_flag(**arguments: object) -> None:
    """Every named argument is True or False, and no text that counts as true."""
    for name, value in arguments.items():
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name} is {value!r}, expected True or False")


def check_named(name: str, given: object, kind: str, reserved: Iterable[str] = ()) -> None:
    """Callables by name, in a dictionary, none by a name that is ``reserved``; ``kind`` says what they are."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} is {given!r}, expected {kind} by name, in a dictionary")
    check_callable(**{f"{name}[{key!r}]": each for key, each in given.items()})
    for taken in reserved:
        if taken in given:
            raise ValueError(f"{name} holds {taken!r}, expected another name: that is taken by a row of its own")


def check_file(**arguments: object) -> None:
    """Every named argument is a file that can be written, in folders that are there or can be made, or ``None``."""
    for name, value in arguments.items():
        if value is not None and not _writable(value):
            raise ValueError(f"{name} is {value!r}, expected a file that can be written")


def _writable(value: object) -> bool:
    if not isinstance(value, (str, os.PathLike)):
        return False
    try:
        file = Path(value)
        folder = next((each for each in file.parents if each.exists()), file)
        return not file.is_dir() and folder.is_dir() and os.access(folder, os.W_OK)
    except (OSError, TypeError):  # a name too long, a folder that may not be looked into, a path in bytes
        return False


def check_callable(**arguments: object) -> None:
    """Every named argument can be called."""
    for name, value in arguments.items():
        if not callable(value):
            raise ValueError(f"{name} is a {type(value).__name__}, expected a callable")


def check_at_most(maximum: float, **arguments: float) -> None:
    """Every named argument is a number not above ``maximum``."""
    for name, value in arguments.items():
        if value > maximum:
            raise ValueError(f"{name} is {value}, expected at most {maximum}")


def check_pair(name: str, pair: tuple[float, float]) -> None:
    """Two finite numbers."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"{name} is {pair!r}, expected two numbers")
    for value in pair:
        check_at_least(-math.inf, optional=False, **{name: value})


def check_interval(name: str, interval: tuple[float, float], *, above: float = -math.inf) -> None:
    """Two finite numbers ``(low, high)``, low ≤ high, both greater than ``above``."""
    check_pair(name, interval)
    low, high = interval
    if not above < low <= high:
        raise ValueError(f"{name} is {interval!r}, expected {above} < low <= high")


def check_class(classes: int | None = None, *, optional: bool = False, **arguments: int | None) -> None:
    """Every named argument is the index of a class, of ``classes`` where known; or, where ``optional``, ``None``."""
    for name, value in arguments.items():
        if optional and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(f"{name} is {value!r}, expected the whole number of a class")
        if value < 0 or (classes is not None and value >= classes):
            expected = "at least 0" if value < 0 else f"at most {classes - 1}: the model's last class"
            raise ValueError(f"{name} is {value}, expected {expected}")


def check_per_image(images: Tensor, **arguments: float | Tensor) -> list[Tensor]:
    """Every named argument is a number or holds one per image, ``(N,)``; where there is one image, ``(M,)``.

    Returns them as ``(N, 1, 1)`` in the images' precision, ready to be combined with their pixels.
    """
    values = []
    for name, value in arguments.items():
        value = torch.as_tensor(value, dtype=images.dtype, device=images.device)
        if value.dim() > 1 or (value.dim() == 1 and len(images) != 1 and len(value) != len(images)):
            raise ValueError(f"{name} has shape {tuple(value.shape)}, expected a number or ({len(images)},)")
        values.append(value)
    try:
        values = torch.broadcast_tensors(*values)
    except RuntimeError as error:
        came = ", ".join(f"{name} {tuple(value.shape)}" for name, value in zip(arguments, values, strict=True))
        raise ValueError(f"{came}: expected as many of each") from error
    return [value.expand(len(images) if value.dim() == 0 else -1)[:, None, None] for value in values]


def check_flow(flow: Tensor, images: Tensor, name: str = "flow", *, finite: bool = False) -> None:
    """A flow ``(N, 2, H, W)``: for every pixel of every image how far to the right and down, in pixels."""
    shape = (len(images), 2, *images.shape[2:])
    check_alike(name, flow, images, shape, "x and y in pixels for every pixel", finite)


def check_counts(name: str, counts: tuple[int, ...], axes: tuple[str, ...]) -> None:
    """Whole numbers of at least one, one for each of ``axes``."""
    if not isinstance(counts, (tuple, list)) or len(counts) != len(axes):
        raise ValueError(f"{name} is {counts!r}, expected {len(axes)} whole numbers ({', '.join(axes)})")
    for count in counts:
        check_count(optional=False, at_least=1, **{name: count})
