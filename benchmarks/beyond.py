"""Spatial and universal attacks: over the bare forward passes, and one method beside the other in passes."""

from __future__ import annotations

import time

import torch

from advcourse import data, models
from advcourse.attacks import spatial, universal_deepfool, universal_sgd
from advcourse.core.running import count_passes, predict
from benchmarks.cases import Case
from benchmarks.passes import bare, recorded
from benchmarks.results import Verdict
from benchmarks.timing import interleaved, ratios, spread

TRANSFORMS = {"max_shift": 3.0, "max_angle": 30.0, "grid": (5, 5, 31)}
OVER_BARE = 1.15
SHARE_OF_PASSES = 0.1


def spatial_grid(network: str, count: int, rounds: int, device: torch.device, clock: str) -> tuple[Verdict, list[str]]:
    """The whole grid over the forward passes it makes, run bare on as many images each."""
    model, images, labels, _ = Case(network, "cifar10", count, ()).load(device)
    with recorded(model) as passes:
        result = spatial(model, images, labels, **TRANSFORMS)
    fooled = (predict(model, result).argmax(1) != labels).double().mean().item()
    forwards = sum(one.rows for one in passes) / len(images)
    # A bare pass takes its rows from the batch, and the attack tries several transforms of an image at once.
    many = images.repeat(-(-max(one.rows for one in passes) // len(images)), 1, 1, 1)
    times = interleaved(
        {
            "bare passes": lambda: bare(model, many, labels, passes),
            "spatial": lambda: spatial(model, images, labels, **TRANSFORMS),
        },
        rounds,
        device,
        clock,
    )
    over = ratios(times["spatial"], times["bare passes"])
    middle = sorted(over)[len(over) // 2]
    transforms = torch.tensor(TRANSFORMS["grid"]).prod().item()
    what = f"spatial, grid of {transforms}, {count} images, {network}: time at most {OVER_BARE} of its passes run bare"
    row = [network, str(count), f"{100 * fooled:.1f} %", f"{forwards:.1f} of {transforms}", spread(over)]
    return Verdict(what, f"{middle:.3f}", middle <= OVER_BARE), row


SPATIAL_HEAD = ("network", "images", "fooled", "forwards per image", "time over bare passes")


def universal_methods(network: str, count: int, held_out: int, device: torch.device) -> tuple[Verdict, list[list[str]]]:
    """Fooling rate on images not learnt from, against the prediction, and passes per image learnt from.

    The gradient's perturbation stops at the rate that DeepFool's reached on the images learnt from.
    """
    model = models.load(network, device).eval()
    images = data.load("cifar10", n=count + held_out)[0].to(device)
    learnt, unseen = images[:count], images[count:]
    target, rows, rates, costs = 0.2, [], [], []
    for method, universal in (("deepfool", universal_deepfool), ("sgd", universal_sgd)):
        started = time.process_time()
        with count_passes(model) as passes:
            v = universal(
                model,
                learnt,
                eps=8 / 255,
                delta=target,
                epochs=10,
                generator=torch.Generator().manual_seed(0),
                progress=False,
            )
        took = time.process_time() - started
        seen, rate = (
            (predict(model, (x + v).clamp(0, 1)).argmax(1) != predict(model, x).argmax(1)).double().mean().item()
            for x in (learnt, unseen)
        )
        target = min(0.99, max(0.0, 1 - seen - 1e-6)) if method == "deepfool" else target
        rates.append(rate)
        costs.append((passes.forwards + passes.backwards) / count)
        each = [f"{passes.forwards / count:.1f}", f"{passes.backwards / count:.1f}"]
        rows.append([method, f"{100 * seen:.1f} %", f"{100 * rate:.1f} %", *each, f"{took:.1f}"])
    share = costs[1] / costs[0]
    what = f"universal, {network}, {count} images: sgd fools as many unseen images as deepfool in a tenth of its passes"
    measured = f"{100 * rates[1]:.1f} % against {100 * rates[0]:.1f} %, {share:.3f} of the passes"
    return Verdict(what, measured, rates[1] >= rates[0] and share <= SHARE_OF_PASSES), rows


UNIVERSAL_HEAD = ("method", "fooled, learnt from", "fooled, unseen", "forwards per image", "backwards", "seconds")
