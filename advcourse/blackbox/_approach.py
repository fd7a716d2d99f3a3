"""The way of targeted attacks without all scores: from an image of the target class inwards, never losing the class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from advcourse.blackbox._asking import Asking
from advcourse.blackbox._nes import check_estimate, estimated, gaussian
from advcourse.core.balls import project
from advcourse.core.oracles import TopK, keeping
from advcourse.core.running import detached
from advcourse.core.streams import Streams
from advcourse.core.validation import check_above, check_alike, check_at_least, check_at_most, check_images

HALVED = 6
SHRINKS = (1.0, 0.5, 0.25, 0.0)


def approach(
    asking: Asking,
    images: Tensor,
    start: Tensor,
    score: Callable[[Streams, Tensor, Tensor], Tensor],
    *,
    method: str,
    eps: float,
    samples: int,
    sigma: float,
    copies: int,
    step_size: float | None,
    momentum: float,
    widest: float,
    shrink: float | None,
    seed: int,
    indices: Tensor | None,
) -> Tensor:
    """The targeted way of Ilyas et al. 2018 for the images of ``asking``; ``nes_partial`` says what it does.

    Args:
        score: what rises, ``(streams of the images, shown, rows) -> (M,)``, by ``copies`` queries for each shown.
        method: name of the streams.
    """
    if asking.targets is None:
        raise ValueError("targets is None, expected the classes to reach, int64 (N,)")
    check_estimate(samples, sigma, True)
    check_images(start, "start")
    check_alike("start", start, images, tuple(images.shape), "an image of the target class for each", False)
    check_at_least(0, eps=eps, momentum=momentum)
    check_at_most(0.999999, momentum=momentum)
    check_above(0, widest=widest)
    check_at_least(0, optional=True, step_size=step_size, shrink=shrink)
    alpha = eps / 5 if step_size is None else float(step_size)
    most = widest / 10 if shrink is None else float(shrink)
    with torch.inference_mode(False), torch.no_grad():
        clean, far = detached(images), detached(start)
        x, begun = clean.clone(), torch.zeros(len(clean), dtype=torch.bool, device=clean.device)
        with keeping(lambda: project(x, clean, eps, "linf")):
            rows = asking.unfooled(clean)
            radius, delta = torch.full_like(clean[:, 0, 0, 0], widest), torch.full_like(clean[:, 0, 0, 0], most)
            done = torch.zeros_like(begun)
            for reach in (widest, 1.0):
                waiting = asking.affordable(rows[~begun[rows]], 1)
                if len(waiting):
                    tried = project(far[waiting], clean[waiting], reach, "linf")
                    listed, likeliest = seen(asking, tried, waiting)
                    x[waiting[listed]], radius[waiting[listed]] = tried[listed], reach
                    begun[waiting[listed]] = True
                    done[waiting[likeliest]] = reach <= eps
            rows = rows[begun[rows] & ~done[rows]]
            velocity, streams = torch.zeros_like(clean), Streams(seed, method, images, indices)[rows]
            while True:
                going = ~done[rows] & (asking.left(rows) > int(samples) * copies)
                rows, streams = rows[going], streams[going]
                if not len(rows):
                    break
                drawn, values = gaussian(streams, clean), partial(score, streams)
                found = estimated(values, x[rows], rows, drawn, int(samples), sigma, copies=copies)
                velocity[rows] = momentum * velocity[rows] + (1 - momentum) * found
                waiting = rows
                for share in SHRINKS:
                    for halving in range(HALVED):
                        waiting = asking.affordable(waiting, 1)
                        if not len(waiting):
                            break
                        smaller = (radius[waiting] - share * delta[waiting]).clamp_min(eps).minimum(radius[waiting])
                        moved = x[waiting] + alpha / 2**halving * velocity[waiting].sign()
                        tried = _within(moved, clean[waiting], smaller)
                        listed, likeliest = seen(asking, tried, waiting)
                        taken = waiting[listed]
                        x[taken], radius[taken] = tried[listed], smaller[listed]
                        done[waiting[likeliest]] = smaller[likeliest] <= eps
                        if share < 1:
                            delta[taken] = delta[taken] / 2
                        elif halving == 0:
                            delta[taken] = (2 * delta[taken]).clamp_max(most)
                        waiting = waiting[~listed]
        return project(x, clean, eps, "linf")


def seen(asking: Asking, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Whether the target of each image is listed, and whether it is the likeliest."""
    place = places(asking, x, rows)[0]
    return place >= 0, place == 0


def places(asking: Asking, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, int]:
    """Where on the list the target is, from 0, or -1; its probability, or where it is not listed the last one's (where
    none are revealed 1); and the length of the list.
    """
    assert asking.targets is not None
    answers = asking(x, rows)
    if isinstance(answers, TopK):
        classes, probabilities = answers
    else:
        classes, probabilities = answers[:, None], torch.ones_like(answers[:, None], dtype=x.dtype)
    hits = classes == asking.targets[rows][:, None]
    place = torch.where(hits.any(1), hits.to(torch.int64).argmax(1), -1)
    return place, probabilities.gather(1, (place % classes.shape[1])[:, None])[:, 0], classes.shape[1]


def _within(x: Tensor, images: Tensor, radius: Tensor) -> Tensor:
    """Cut to each image's own linf ball and to the box."""
    reach = radius[:, None, None, None]
    return (x - images).clamp(-reach, reach).add_(images).clamp_(0, 1)
