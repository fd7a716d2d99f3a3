"""What is handed to the attacks: channels-last images and integer labels, of any framework."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from advcourse.core.validation import ROUNDING


def as_tensors(images: Any, labels: Any, targets: Any = None) -> tuple[Any, Any, Any]:
    """Images, labels and targets as tensors of Keras's backend; refuses what is no batch of them."""
    values = np.asarray(ops.convert_to_numpy(images))
    if values.dtype not in (np.float32, np.float64):
        raise ValueError(f"images has dtype {values.dtype}, expected float32 or float64 in [0, 1]: divide bytes by 255")
    if values.ndim != 4 or not values.size:
        raise ValueError(f"images has shape {values.shape}, expected a non-empty (N, H, W, C)")
    low, high = values.min(), values.max()
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # NaN is refused too
        raise ValueError(f"images ranges over [{low:.7g}, {high:.7g}], expected [0, 1]: normalisation is the model's")
    classes = [
        None if each is None else _classes(name, each, len(values))
        for name, each in (("labels", labels), ("targets", targets))
    ]
    return ops.convert_to_tensor(values.clip(0, 1)), *classes


def _classes(name: str, given: Any, count: int) -> Any:
    values = np.asarray(ops.convert_to_numpy(given))
    if not np.issubdtype(values.dtype, np.integer) or values.shape != (count,):
        raise ValueError(f"{name} is {values.dtype} {values.shape}, expected integers ({count},): one per image")
    if values.min() < 0:
        raise ValueError(f"{name} holds {values.min()}, expected class indices from 0")
    return ops.convert_to_tensor(values.astype("int32"))


def as_given(result: Any, images: Any) -> Any:
    """The result, as a NumPy array where the images were one."""
    return ops.convert_to_numpy(result) if isinstance(images, np.ndarray) else result
