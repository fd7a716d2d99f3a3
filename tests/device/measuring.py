"""What evaluation and the physical attacks do on a device; see ``attacking``."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from advcourse.attacks import pgd, square
from advcourse.attacks.physical import (
    Patch,
    Sticker,
    bars,
    covered_brightness,
    non_printability,
    patch,
    patch_mask,
    printable_colours,
    sticker,
    texture,
    total_variation,
)
from advcourse.evaluation import (
    autoattack,
    compare,
    controls,
    diagnose,
    evaluate,
    evaluate_robustness,
    fooling_rate,
    fooling_table,
    inner_products,
    known_to_all,
    leave_one_out,
    outcomes,
    pose_table,
    quantize,
    rho_adv,
    rmsd,
    sequence,
    shown,
    transfer_matrix,
)
from advcourse.rendering import TexturedObject, at_pose, draw_poses, rotation, soccer_ball, sphere_point
from tests.device.attacking import Found, generators
from tests.support.scenes import scene, seeded

attack = partial(pgd, eps=0.1, steps=3)


def three(device: str, dtype: torch.dtype) -> dict[str, nn.Module]:
    """Models that agree on many images."""
    models = {}
    for name, scale in (("one", 1.0), ("half", 0.5), ("more", 1.2)):
        models[name], _, _ = scene(1, device=device, dtype=dtype)
        models[name][0].weight.data.mul_(scale)
    return models


def does_worst_case(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(5, device=device, dtype=dtype)
    few = {name: sequence("fast", eps=0.05, norm="linf", classes=4)[name] for name in ("APGD-T", "FAB-T")}
    few["Square"] = partial(square, queries=20)
    report = evaluate_robustness(model, images, labels, eps=0.05, attacks=few)
    numbers = [level.robust_accuracy for level in report.levels]
    found = {"adversarial": report.adversarial, "numbers": numbers, "distance": report.distance.tolist()}
    found["autoattack"] = autoattack(model, images[:2], labels[:2], eps=3.0, norm="l2", version="fast")
    return found


def does_diagnose(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(5, device=device, dtype=dtype)
    found = diagnose(model, images, labels, eps=0.05, steps=3, queries=20, draws=4)
    table = controls(model, images, labels, eps=0.05, draws=2)
    return {"curves": found.curves, "suspicious": found.table()["suspicious"].tolist(), "controls": table.to_dict()}


def does_evaluate(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(7, device=device, dtype=dtype)
    labels[0] = (labels[0] + 1) % 4
    found = {}
    for aim, targets in (("away", None), ("towards", (labels + 1) % 4)):
        report = evaluate(model, attack, images, labels, batch_size=4, targets=targets)
        found |= {f"{aim} {name}": value for name, value in vars(report).items() if name != "seconds"}
    return found


def does_compare(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(5, device=device, dtype=dtype)
    table = compare(model, {"weak": partial(attack, steps=1), "strong": attack}, images, labels)
    return {"numbers": table.drop(columns="seconds").to_numpy().tolist()}


def does_transfer(device: str, dtype: torch.dtype) -> Found:
    _, images, labels = scene(6, device=device, dtype=dtype)
    models = three(device, dtype)
    found: Found = {"known": known_to_all(models, images, labels), "rmsd": rmsd(quantize(images), images)}
    for name, table in (("matrix", transfer_matrix), ("others", leave_one_out)):
        found[name] = table(models, attack, images, labels).to_numpy().tolist()
    found["aimed"] = transfer_matrix(models, attack, images, labels, targets=(labels + 1) % 4).to_numpy().tolist()
    return found


def does_fooling(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(6, device=device, dtype=dtype)
    changes = torch.stack([0.1 * (images[i] - 0.5).sign() for i in range(3)])
    return {
        "rate": fooling_rate(model, changes[0], images, batch_size=4),
        "table": fooling_table(three(device, dtype), {"v": changes[1], "w": changes[2]}, images).to_numpy().tolist(),
        "shown": shown(images, changes[2]),
        "products": inner_products(changes),
    }


def does_outcomes(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(6, device=device, dtype=dtype)
    return {"shares": list(outcomes(model, images, 0, 1)), "any": list(outcomes(model, images, 2, None, batch_size=4))}


def does_robustness(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(6, device=device, dtype=dtype)
    return {"rho": rho_adv(model, attack, images, batch_size=4)}


def does_patch(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(5, device=device, dtype=dtype)
    learn: Any = partial(patch, model, images, target=1, area=0.2, steps=3, batch_size=3, samples=2)
    found = {}
    for place, generator in generators(device).items():
        made = learn(generator=generator(), scales=(0.8, 1.2))
        found |= {f"{place} image": made.image, f"{place} mask": made.mask}
        found[f"{place} drawn"] = made.apply(images, generator())
    begun = learn(generator=seeded(1), init=torch.full((2, 4, 4), 0.25), shape="square", area=16 / 48)
    made_there = begun.apply(images, place=(3.0, 4.0), angle=10.0, scale=0.9)
    from_the_cpu = Patch(begun.image.cpu(), begun.mask.cpu()).apply(images, seeded())
    return found | {
        "begun": begun.image,
        "placed": made_there,
        "global": begun.apply(images),
        "from the cpu": from_the_cpu,
    }


def does_sticker(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(5, channels=3, device=device, dtype=dtype)
    mask = bars(*images.shape[2:], length=0.7, thickness=0.3)
    found = {}
    for place, generator in generators(device).items():
        made = sticker(model, images, mask, target=1, steps=3, batch_size=3, samples=2, generator=generator())
        found |= {f"{place} image": made.image, f"{place} mask": made.mask, f"{place} light": made.light}
        found[f"{place} drawn"] = made.apply(images, generator())
    palette = printable_colours(3).to(images)
    found |= {"stuck": made.stick(images), "seen": made.photograph(images, seeded())}
    found["stuck from the cpu"] = Sticker(made.image.cpu(), made.mask.cpu(), made.light).stick(images)
    found["covered"] = covered_brightness(images, made.mask)
    found["unprintable"] = non_printability(images[0], made.mask, palette)
    return found | {"varied": total_variation(images[0], made.mask)}


def ball(device: str, dtype: torch.dtype) -> TexturedObject:
    return TexturedObject.sphere(soccer_ball(6, dtype=dtype), rows=6, dtype=dtype).to(device)


def does_texture(device: str, dtype: torch.dtype) -> Found:
    model, _, _ = scene(1, channels=3, device=device, dtype=dtype)
    poses = partial(draw_poses, dtype=dtype, size=12, noise=0.05)
    painted: Any = partial(texture, model, ball(device, dtype), poses=poses, size=12, steps=3, samples=2)
    found = {}
    for place, generator in generators(device).items():
        found[f"{place} target"] = painted(target=1, generator=generator())
        found[f"{place} label"] = painted(label=1, eps=0.05, penalty=0.1, generator=generator())
    grey = torch.full((3, 6, 12), 0.5, dtype=dtype)
    return found | {"global": painted(target=2), "from the cpu": painted(target=2, init=grey, generator=seeded())}


def does_render(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(3, channels=3, height=12, width=12, device=device, dtype=dtype)
    thing = ball(device, dtype)
    views = thing.views(at_pose(30.0, 20.0, 10.0, dtype=dtype), (12, 10))
    found = {name: getattr(views, name) for name in vars(views)} | {"seen": thing.render(thing.texture, views)}
    angles = torch.linspace(-90.0, 90.0, 3, device=device, dtype=dtype)
    found |= {"turns": rotation(angles, angles, angles), "points": sphere_point(angles / 180, angles / 180)}
    for place, generator in generators(device).items():
        for behind, background in (("there", images), ("cpu", images.cpu())):
            many = thing.draw_views(3, generator(), size=12, dtype=dtype, background=background)
            found[f"{place} {behind}"] = thing.render(thing.texture.expand(3, -1, -1, -1), many)
        found[f"{place} shares"] = list(pose_table(model, thing, thing.texture, 0, 1, many))
    drawn = draw_poses(3, generators(device)["there"](), dtype=dtype)
    return found | {f"drawn {name}": value for name, value in vars(drawn).items()}


def does_patch_mask(device: str, dtype: torch.dtype) -> Found:
    """Made on the CPU, for images anywhere."""
    _, images, _ = scene(2, device=device, dtype=dtype)
    return {"found": images * patch_mask((8, 6), 0.5, "square")[:, :1, :1].to(images)}
