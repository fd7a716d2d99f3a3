"""What the metrics ask of what they are given, and the precision they compute in."""

from __future__ import annotations

from torch import Tensor


def check_features(**named: Tensor) -> None:
    """Every named argument holds finite rows ``(N, D)``, one for each image, and all are of one device and width."""
    first: tuple[str, Tensor] | None = None
    for name, rows in named.items():
        if not isinstance(rows, Tensor) or not rows.is_floating_point():
            came = str(rows.dtype) if isinstance(rows, Tensor) else f"a {type(rows).__name__}"
            raise ValueError(f"{name} is {came}, expected a floating-point tensor (N, D)")
        if rows.dim() != 2 or rows.numel() == 0:
            raise ValueError(f"{name} has shape {tuple(rows.shape)}, expected a non-empty (N, D)")
        if not rows.isfinite().all():
            bad = int((~rows.isfinite()).any(1).sum())
            raise ValueError(f"{name} holds NaN or infinity in {bad} of {len(rows)} rows, expected finite values")
        first = first or (name, rows)
        if rows.device != first[1].device:
            raise ValueError(f"{name} is on {rows.device} and {first[0]} on {first[1].device}, expected one device")
        if rows.shape[1] != first[1].shape[1]:
            raise ValueError(
                f"{name} has shape {tuple(rows.shape)}, expected (N, {first[1].shape[1]}) as {first[0]}: "
                "both from one extractor"
            )


def exact(rows: Tensor) -> Tensor:
    """The rows in float64 and without a graph, where they are; on the CPU where a device (MPS) has no float64."""
    rows = rows.detach()
    return rows.double() if rows.device.type in ("cpu", "cuda") else rows.cpu().double()
