"""What figures, explorers and what is shipped do on a device, in float32; see ``attacking``."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
import numpy as np
import pandas
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from advcourse import models, plots, widgets
from advcourse.attacks import pgd
from advcourse.core import files
from advcourse.evaluation import diagnose, evaluate, evaluate_robustness
from advcourse.gan import play_ring
from advcourse.networks import gan_networks
from advcourse.zoo import crafted
from tests.device.attacking import Found, generators
from tests.device.measuring import ball
from tests.support.scenes import scene, seeded

CLASSES = ["a", "b", "c", "d"]
EXPLORERS = ("playground", "deformer")


def drawn(name: str, figure: Figure) -> Found:
    """Every number in the figure's lines, pictures and areas."""
    found = {}
    for i, ax in enumerate(figure.axes):
        for j, artist in enumerate((*ax.lines, *ax.images, *ax.collections)):
            values = artist.get_ydata() if artist in ax.lines else artist.get_array()
            if values is not None:
                found[f"{name} {i} {j}"] = np.asarray(values, dtype=float).tolist()
    plt.close(figure)
    assert found, f"{name} shows nothing"
    return found


def does_plots(device: str, dtype: torch.dtype) -> Found:
    matplotlib.use("agg")
    model, images, labels = scene(3, channels=3, device=device, dtype=dtype)
    image, label = images[0], int(labels[0])
    up, right = (torch.full_like(image, 0.1), image - 0.5)
    report = evaluate(model, partial(pgd, eps=0.1, steps=3), images, labels)
    far = evaluate_robustness(model, images, labels, eps=0.05, attacks={"pgd": partial(pgd, steps=3)})
    looked = diagnose(model, images, labels, eps=0.05, steps=3, queries=9, draws=2)
    found = drawn("curve", plots.robustness_curve(far).figure) | drawn("signs", plots.diagnosis(looked).figure)
    found |= drawn("images", plots.show_images(images)) | drawn("attack", plots.show_attack(image, images[1]))
    costs, hits = torch.arange(1, 6, device=device), torch.arange(5, device=device) > 1
    costs_of = pandas.DataFrame({"cost": [1.0, 2.0], "trusted": [0.1, 0.5], "accuracy": [0.9, 0.8]}, index=["a", "b"])
    found |= drawn("trade-off", plots.trade_off(costs_of).figure)
    found |= drawn("queries", plots.query_curve({"nes": (costs, hits)}, budget=50).figure)
    found |= drawn("cosines", plots.cosine_curve({"pairs": ((2, 10), (0.1, 0.4))}, size=9).figure)
    found |= drawn("steps", plots.cumulative_curve({"nes": costs.to(dtype)}, xlabel="length").figure)
    along = plots.loss_along(model, image, label, {"up": up}, radius=1.0, points=5)
    surface = plots.loss_landscape(model, image, label, up, right, radius=1.0, points=5)
    moved = plots.spatial_landscape(model, image, label, max_shift=1.0, max_angle=10.0, points=5)
    success = plots.success_curve({"pgd": report})
    for name, ax in (("along", along), ("surface", surface), ("moved", moved), ("success", success)):
        found |= drawn(name, ax.figure)
    for place, generator in generators(device).items():
        regions = plots.decision_regions({"model": model}, image, label, points=5, generator=generator())
        found |= drawn(f"regions {place}", regions)
    _, (left, middle) = plt.subplots(1, 2)
    plots.top5(left, model(images)[0].softmax(0), CLASSES, label)
    plots.draw_field(middle, image, images[1, :2] - 0.5)
    run = play_ring("GAN", steps=2, every=1, batch_size=8, width=8, depth=1, progress=False)
    found |= drawn("moments", plots.show_ring(run)) | drawn("modes", plots.ring_curve(run).figure)
    found |= drawn("moment", plots.draw_ring(run).figure)
    found |= drawn("sheets", plots.show_sheets({("a", "b"): images}, ["a"], ["b"]))
    found["tile"] = plots.tile(images)
    return found | drawn("field", left.figure)


def does_plots_of_lectures(device: str, dtype: torch.dtype) -> Found:
    matplotlib.use("agg")
    model, images, labels = scene(3, channels=3, device=device, dtype=dtype)
    image, one = images[0], torch.arange(1, 4, device=device, dtype=dtype)
    report = evaluate(model, partial(pgd, eps=0.1, steps=3), images, labels)
    far = evaluate_robustness(model, images, labels, eps=0.05, attacks={"pgd": partial(pgd, steps=3)})
    points = {"fgsm": ([0.01, 0.02], [0.1, 0.2])}
    found = drawn("control", plots.show_control(image, images[1], images[2], ("a", "b", "c"), eps=0.1))
    found |= drawn("budgets", plots.show_budgets([(images, CLASSES[:3], [False, True, False])]))
    found |= drawn("budget", plots.budget_curve(report, points, name="pgd").figure)
    found |= drawn("distance", plots.distance_curve(points, points, report, name="pgd").figure)
    found |= drawn("scatter", plots.prediction_scatter(one, {"a": 2 * one}, what="length").figure)
    found |= drawn("norms", plots.show_norms({"linf": [0.1, 0.2]}, {"linf": image - 0.5}))
    found |= drawn("changes", plots.show_changes(image, {"a": images[1]}))
    found |= drawn("maps", plots.show_maps(images[:, 0] - 0.5))
    titles = [("a", "b")] * len(images)
    found |= drawn("motion", plots.show_motion(images, images[:, :2] - 0.5, images.flip(0), titles))
    found |= drawn("spectrum", plots.spectrum({"a": one.flip(0)}).figure)
    found |= drawn("robustness", plots.robustness_curves([far], {"PGD": [0.3]}))
    for name, show, given in (
        ("maximisers", plots.show_maximisers, one[:2]),
        ("projections", plots.show_projections, one[:2].expand(3, 2)),
    ):
        found |= drawn(name, show(lambda u, eps, p: 0.5 * u, given))
    _, ax = plt.subplots()
    pixels = torch.tensor([0.2, 0.7], device=device, dtype=dtype).view(1, 1, 1, 2)
    plots.draw_page(lambda x: torch.cat([x.flatten(1), 0 * x[:, 0, 0, :1]], 1), ax, points=5)
    plots.draw_levels(ax, lambda x: x.square().flatten(1).sum(1), points=5)
    plots.draw_tangents(ax, lambda x: torch.cat([x.flatten(1), 0 * x[:, 0, 0, :1]], 1), pixels)
    plots.draw_steps(plots.draw_ball(ax, pixels, 0.1), [pixels, 0.9 * pixels])
    return found | drawn("page", ax.figure)


def pictured(explorer: widgets.Explorer) -> Found:
    assert "Error" not in explorer.message.value, explorer.message.value
    pixels = np.asarray(Image.open(io.BytesIO(explorer.picture.value)).convert("RGB"))
    return {"text": explorer.message.value, "pixels": [*pixels.shape, round(float(pixels.mean()), 1)]}


def does_explorers(device: str, dtype: torch.dtype) -> Found:
    matplotlib.use("agg")
    model, images, labels = scene(3, channels=3, height=12, width=12, device=device, dtype=dtype)
    shown = {name: getattr(widgets, name)(model, images, labels, CLASSES) for name in EXPLORERS}
    thing = ball(device, dtype)
    network, _, _ = scene(1, channels=3, device=device, dtype=dtype)
    shown["turntable"] = widgets.turntable(network, thing, {"ball": thing.texture}, CLASSES)
    generator = gan_networks("DCGAN", 8, 3, 4)[0].to(dtype).to(device)
    shown["latents"] = widgets.explore_latents(
        generator, images=images, bank=images.flatten(1)[:, :192], extractor=lambda x: x.flatten(1)[:, :192]
    )
    watch = widgets.watch_training(torch.randn(4, 100, generator=seeded()).to(device))
    watch(generator, {"epoch": 1, "critic": 0.5})
    found = drawn("watch", watch.figure())
    return found | {f"{name} {key}": value for name, each in shown.items() for key, value in pictured(each).items()}


def does_shipped(device: str, dtype: torch.dtype) -> Found:
    network = models.load("mnist/cnn", device)
    digits = torch.rand(3, 1, 28, 28, generator=seeded()).to(device)
    photographs = torch.rand(2, 3, 64, 64, generator=seeded()).to(device)
    made = crafted.load("patch/toaster", device)
    with TemporaryDirectory() as folder:
        files.write(Path(folder, "made.safetensors"), {"image": made.image}, {})
        read = files.read(Path(folder, "made.safetensors"), "write it")["image"].to(device)
    return {"logits": network(digits), "image": made.image, "seen": made.apply(photographs, seeded()), "read": read}
