"""How each perturbation in ``files/crafted`` was made: one recipe a name, run by ``python -m advcourse craft NAME``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from advcourse import data, evaluation
from advcourse.attacks import physical
from advcourse.core.running import predict
from advcourse.rendering import TexturedObject, draw_poses, soccer_ball
from advcourse.zoo import weights

Tensors = dict[str, Tensor]
MOBILENET = "reference/imagenet_mobilenet_v2"
TOASTER, SOCCER_BALL, ESPRESSO = 859, 805, 967  # classes of ImageNet
STOP, SPEED_LIMIT_80 = 14, 5  # classes of the German traffic sign benchmark


@dataclass(frozen=True)
class Craft:
    """How one file is made, what it is measured on, and what it is handed out as.

    Attributes:
        facts: for the card: the model, the data, the call with its seed.
        make: optimises, on a device.
        measure: one line of what the result does to what it was not made on, and of the control beside it.
        wrap: turns the tensors into what ``crafted.load`` returns.
    """

    facts: dict
    make: Callable[[torch.device], Tensors]
    measure: Callable[[torch.device, Tensors], str]
    wrap: Callable[[Tensors], object]


def seeded(device: torch.device, seed: int) -> torch.Generator:
    """A generator of its own, so that no result depends on what ran before."""
    return torch.Generator(device).manual_seed(seed)


def photographs(device: torch.device, without: int | None = None) -> tuple[Tensor, Tensor]:
    """The ImageNet photographs to learn on, and those that are never seen; none of the class ``without``."""
    images, labels, _ = data.load("imagenet-samples", n=155, stand_in=False)
    keep = torch.ones_like(labels, dtype=torch.bool) if without is None else labels != without
    learn, unseen = images[:100][keep[:100]], images[100:][keep[100:]]
    return learn.to(device), unseen.to(device)


def make_patch(device: torch.device) -> Tensors:
    """The toaster patch, on a tenth of the area, for the reference MobileNet."""
    model = weights.load(MOBILENET, device).requires_grad_(False).to(memory_format=torch.channels_last)
    learn, _ = photographs(device, without=TOASTER)
    made = physical.patch(
        model,
        learn,
        target=TOASTER,
        area=0.1,
        steps=800,
        step_size=0.05,
        batch_size=16,
        generator=seeded(device, 0),
        progress=True,
    )
    return {"image": made.image, "mask": made.mask}


def measure_patch(device: torch.device, made: Tensors, draws: int = 10) -> str:
    """How often the patch is read as a toaster on photographs it was not made on, and a grey disc in its place."""
    model, (_, unseen) = weights.load(MOBILENET, device), photographs(device, without=TOASTER)
    shares = []
    for image in (made["image"], torch.full_like(made["image"], 0.5)):
        pasted, generator = physical.Patch(image, made["mask"]), seeded(device, 1)
        hits = [
            predict(model, pasted.apply(x, generator)).argmax(1) == TOASTER
            for _ in range(draws)
            for x in unseen.split(16)
        ]
        shares.append(torch.cat(hits).cpu().double().mean().item())
    return (
        f"read as toaster {shares[0]:.1%} of {draws * len(unseen)} pictures ({len(unseen)} unseen photographs, "
        f"{draws} random places and angles each); a grey disc {shares[1]:.1%}"
    )


def make_sticker(device: torch.device) -> Tensors:
    """Two bars that make a stop sign a speed limit."""
    model = weights.load("gtsrb/cnn", device).requires_grad_(False)
    images, labels, _ = data.load("gtsrb", "train", stand_in=False)
    signs = images[labels == STOP].to(device)
    made = physical.sticker(
        model,
        signs,
        physical.bars(32, 32),
        target=SPEED_LIMIT_80,
        printable=2.0,
        smooth=0.1,
        steps=600,
        step_size=0.02,
        generator=seeded(device, 0),
        progress=True,
    )
    return {"image": made.image, "mask": made.mask, "light": torch.tensor(made.light)}


def as_sticker(made: Tensors) -> physical.Sticker:
    """The sticker that those tensors describe, photographed as it was made for."""
    return physical.Sticker(made["image"], made["mask"], made["light"].item())


def measure_sticker(device: torch.device, made: Tensors, draws: int = 10) -> str:
    """What unseen stop signs are read as with the sticker, and with grey bars in its place."""
    model, one = weights.load("gtsrb/cnn", device), as_sticker(made)
    images, labels, _ = data.load("gtsrb", "test", stand_in=False)
    signs = images[labels == STOP].to(device)
    unseen = signs.repeat(draws, 1, 1, 1)
    grey = physical.Sticker(0.5 * one.mask.expand_as(one.image), one.mask, one.light)
    shares = [
        evaluation.outcomes(model, each.apply(unseen, seeded(device, 1)), STOP, SPEED_LIMIT_80) for each in (one, grey)
    ]
    texts = [
        f"{found.adversarial:.1%} speed limit 80, {found.misclassified:.1%} another wrong sign, "
        f"{found.correct:.1%} stop"
        for found in shares
    ]
    return (
        f"{texts[0]}, of {len(unseen)} photographs ({len(signs)} unseen stop signs, {draws} poses and lights each); "
        f"grey bars {texts[1]}"
    )


POSES = partial(draw_poses, noise=0.02)


def make_texture(device: torch.device) -> Tensors:
    """A soccer ball, no channel changed by more than 1/4, that is read as an espresso."""
    model = weights.load(MOBILENET, device).requires_grad_(False)
    ball = TexturedObject.sphere(soccer_ball(128).to(device))
    found = physical.texture(
        model,
        ball,
        target=ESPRESSO,
        eps=0.25,
        poses=POSES,
        steps=600,
        samples=10,
        step_size=0.02,
        generator=seeded(device, 0),
        progress=True,
    )
    return {"texture": found}


def measure_texture(device: torch.device, made: Tensors, poses: int = 200) -> str:
    """What the ball is read as in poses it was not made on, and the plain ball in the same poses."""
    model, ball = weights.load(MOBILENET, device), TexturedObject.sphere(soccer_ball(128).to(device))
    views = ball.draw_views(poses, seeded(device, 1), noise=0.02)
    found, plain = (
        evaluation.pose_table(model, ball, each, SOCCER_BALL, ESPRESSO, views)
        for each in (made["texture"], ball.texture)
    )
    return (
        f"{found.adversarial:.1%} espresso, {found.misclassified:.1%} another wrong class, {found.correct:.1%} soccer "
        f"ball, in {poses} unseen poses; the plain ball is read as a soccer ball in {plain.correct:.1%} of them"
    )


CRAFTS: dict[str, Craft] = {
    "patch/toaster": Craft(
        {"model": MOBILENET, "data": "100 photographs of imagenet-samples", "seed": 0, "area": 0.1, "max_angle": 20},
        make_patch,
        measure_patch,
        lambda made: physical.Patch(made["image"], made["mask"]),
    ),
    "sticker/speed-limit-80": Craft(
        {"model": "gtsrb/cnn", "data": "stop signs of gtsrb, train", "seed": 0},
        make_sticker,
        measure_sticker,
        as_sticker,
    ),
    "texture/espresso": Craft(
        {"model": MOBILENET, "data": "a soccer ball drawn by scenes.soccer_ball", "seed": 0, "eps": 0.25},
        make_texture,
        measure_texture,
        lambda made: made["texture"],
    ),
}
