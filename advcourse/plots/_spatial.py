"""The loss around an image as it is turned and shifted."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from advcourse.core.running import predict
from advcourse.core.validation import check_at_least, check_choice, check_class, check_count, check_images
from advcourse.core.warps import rigid
from advcourse.plots._loss import draw_plane
from advcourse.plots._styling import axes_or_new, style

_NAMES = {"dx": "shift to the right (pixels)", "dy": "shift down (pixels)", "angle": "angle (degrees)"}


@style()
def spatial_landscape(
    model: nn.Module,
    image: Tensor,
    label: int,
    *,
    max_shift: float,
    max_angle: float,
    points: int = 41,
    parameters: tuple[str, str] = ("angle", "dx"),
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """The loss over two of the three parameters of a rigid motion, the third at zero; a white line where ``label``
    stops being the prediction.

    Args:
        model: maps images to logits.
        image: ``(C, H, W)``, drawn as a dot at the origin.
        label: its class.
        max_shift: shifts go from ``-max_shift`` to ``max_shift``, in pixels.
        max_angle: angles go from ``-max_angle`` to ``max_angle``, in degrees, counter-clockwise.
        points: along each side; an odd number shows the image itself.
        parameters: two of ``"dx"``, ``"dy"`` and ``"angle"``: across and up.
        log: colours by powers of ten of the loss, so that its shape is seen where it is small too.
        ax: where to draw.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: after Engstrom et al. 2019, arXiv:1712.02779, figure 3.
    """
    for parameter in parameters:
        check_choice("parameters", parameter, tuple(_NAMES))
    if len(parameters) != 2 or parameters[0] == parameters[1]:
        raise ValueError(f"parameters is {parameters!r}, expected two different ones of {', '.join(_NAMES)}")
    check_images(image[None], "image")
    check_at_least(0, max_shift=max_shift, max_angle=max_angle)
    check_count(points=points)
    ends = {"dx": max_shift, "dy": max_shift, "angle": max_angle}
    share = torch.linspace(-1, 1, points, device=image.device, dtype=image.dtype)
    across, up = (share * ends[parameter] for parameter in parameters)
    rows, columns = torch.meshgrid(up, across, indexing="ij")
    motion: dict[str, Tensor | float] = dict.fromkeys(_NAMES, 0.0)
    motion |= {parameters[0]: columns.flatten(), parameters[1]: rows.flatten()}
    logits = predict(model, rigid(image[None], motion["dx"], motion["dy"], motion["angle"]))
    check_class(logits.shape[1], label=int(label))
    ax = axes_or_new(ax, 4.6, 3.6)
    draw_plane(ax, across, up, logits, label, log=log)
    ax.set(xlabel=_NAMES[parameters[0]], ylabel=_NAMES[parameters[1]])
    return ax
