"""What a generator makes of latents, without a trace, and the way from one latent to another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.running import evaluating, forked
from advcourse.core.validation import check_at_least, check_count
from advcourse.gan.metrics._checks import check_features, exact


@torch.no_grad()
def generate(generator: nn.Module, latents: Tensor, *, batch_size: int = 256) -> Tensor:
    """What a generator makes of latents: in eval mode, batch by batch, without a graph.

    Nothing of the generator is changed, nor torch's random state where the generator draws noise of its own.

    Args:
        generator: maps latents to images or points; on any device.
        latents: ``(N, latent)``, on any device.
        batch_size: latents at a time.

    Returns:
        images ``(N, C, H, W)`` in [0, 1] or points ``(N, …)``, on the latents' device.

    Raises:
        ValueError: for bad input, or where the generator does not take such latents.
    """
    if not isinstance(generator, nn.Module):
        raise ValueError(f"generator is a {type(generator).__name__}, expected a torch.nn.Module")
    check_features(latents=latents)
    check_count(batch_size=batch_size)
    like = next(generator.parameters(), latents)
    parts = []
    with evaluating(generator), forked(like.device), torch.no_grad():
        for batch in latents.detach().split(int(batch_size)):
            try:
                parts.append(generator(batch.to(like.device, like.dtype)).to(latents.device))
            except RuntimeError as error:
                shape = tuple(latents.shape)
                raise ValueError(f"latents has shape {shape}, expected what the generator takes: {error}") from error
    return torch.cat(parts)


def slerp(start: Tensor, end: Tensor, t: float | Tensor) -> Tensor:
    """From one latent to another along a great circle, in equal angles.

    With the unit vectors u and v of both ends and the angle Ω between them, direction and length are::

        d(t) = (sin((1 - t) Ω) u + sin(t Ω) v) / sin Ω,   ‖z(t)‖ = (1 - t) ‖start‖ + t ‖end‖

    A normal latent of many dimensions d lies close to the sphere of radius √d, and two of them nearly at a right angle.
    Half of the way along the straight line between them the length is then √d / √2, which a generator has hardly ever
    been given in training. The great circle stays where it has been trained.

    Where the ends are opposite every half circle is as short; the one taken passes the coordinate axis that is farthest
    from them. Where an end is zero, which has no direction, the other's is kept.

    Args:
        start, end: ``(latent,)``.
        t: 0 at the start and 1 at the end; a number, or several, ``(T,)``.

    Returns:
        ``(latent,)`` for a number, else ``(T, latent)``, in the precision of ``start`` and on its device.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Shoemake 1985 (SIGGRAPH '85, "Animating rotation with quaternion curves"), of unit vectors; for generators:
    White 2016, arXiv:1609.04468.
    """
    for name, latent in (("start", start), ("end", end)):
        if not isinstance(latent, Tensor) or latent.dim() != 1:
            came = tuple(latent.shape) if isinstance(latent, Tensor) else type(latent).__name__
            raise ValueError(f"{name} is {came}, expected one latent, (latent,)")
    check_features(start=start[None], end=end[None])
    part = _shares(t).to(exact(start).device)
    a, b = exact(start), exact(end).to(exact(start).device)
    lengths = torch.stack([a.norm(), b.norm()])
    u = a / lengths[0] if lengths[0] else b / lengths[1].clamp_min(torch.finfo(a.dtype).tiny)
    v = b / lengths[1] if lengths[1] else u
    angle = 2 * torch.atan2((u - v).norm(), (u + v).norm())
    way = torch.outer((part * angle).cos(), u) + torch.outer((part * angle).sin(), _across(u, v))
    walked = ((1 - part) * lengths[0] + part * lengths[1])[:, None] * way
    walked = walked.to(start.device, start.dtype)
    return walked if isinstance(t, Tensor) and t.dim() else walked[0]


def _across(u: Tensor, v: Tensor) -> Tensor:
    """The unit vector at a right angle to u towards v; zero where they are the same."""
    across = v - (u @ v) * u
    if across.norm() < torch.finfo(u.dtype).eps ** 0.5:
        if u @ v > 0 or len(u) == 1:
            return torch.zeros_like(u)
        axis = torch.zeros_like(u)
        axis[u.abs().argmin()] = 1
        across = axis - (u @ axis) * u
    return across / across.norm()


def _shares(t: float | Tensor) -> Tensor:
    if not isinstance(t, Tensor):
        check_at_least(-torch.inf, t=t)
        return torch.tensor([float(t)], dtype=torch.float64)
    if t.dim() > 1 or not t.is_floating_point() or not t.isfinite().all():
        raise ValueError(f"t is {t.dtype} of shape {tuple(t.shape)}, expected finite numbers, () or (T,)")
    return exact(t).reshape(-1).cpu()
