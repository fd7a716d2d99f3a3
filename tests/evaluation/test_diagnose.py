"""Planted maskings are seen, each by the check that is for it; honest networks pass."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from advcourse import data, models
from advcourse.evaluation import diagnose
from tests.evaluation.maskings import MASKINGS, Around
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Shifted, pictures
from tests.support.traces import unchanged, undrawn

QUICK = {"steps": 10, "queries": 60, "draws": 20}


def network():
    model, images, _ = scene(24)
    return model.float(), images.float(), model.float()(images.float()).argmax(1)


@pytest.mark.parametrize("name", MASKINGS)
def test_a_masking_is_seen_by_the_check_that_is_for_it(name):
    model, images, labels = network()
    masked, check = MASKINGS[name]
    found = diagnose(masked(model), images, masked(model)(images).argmax(1), eps=0.1, **QUICK)
    suspicious = {each.check for each in found.findings if each.suspicious}
    assert check in suspicious and found.suspicious, f"{suspicious}\n{found}"
    assert next(each.verdict for each in found.findings if each.check == check) in found.verdict


@pytest.mark.parametrize("norm, eps", [("linf", 0.1), ("l2", 0.8), ("l1", 4.0)])
def test_an_ordinary_network_passes(norm, eps):
    model, images, labels = network()
    found = diagnose(model, images, labels, eps=eps, norm=norm, **QUICK)
    assert not found.suspicious, str(found)
    assert found.verdict.startswith("Nothing speaks against the gradient (11 checks, 24 images")
    assert not diagnose(Around(model), images, labels, eps=eps, norm=norm, **QUICK).suspicious


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["cnn_a_adv", "conv_small_pgd", "resnet2b"])
def test_honestly_trained_networks_pass(name):
    images, labels, _ = data.load("cifar10", "test", n=60)
    found = diagnose(models.load(f"reference/robust_cifar10_{name}"), images, labels, eps=2 / 255, queries=200)
    assert not found.suspicious, str(found)


@pytest.mark.data
@pytest.mark.slow
def test_a_network_robust_in_another_norm_is_flagged():
    """PGD leaves most digits of the linf-robust network at l2 2.0; a minimal-norm attack fools them."""
    images, labels, _ = data.load("mnist", "test", n=40)
    found = diagnose(models.load("mnist/cnn-robust"), images, labels, eps=2.0, norm="l2", queries=200)
    assert "closest" in {each.check for each in found.findings if each.suspicious}, str(found)


def test_table_text_and_curves():
    model, images, labels = network()
    wrong = labels.clone()
    wrong[0] = (labels[0] + 1) % 4
    found = diagnose(model, images, wrong, eps=0.1, **QUICK)
    assert found.count == 23  # the misclassified is not looked at
    table = found.table()
    assert list(table.columns) == ["evidence", "suspicious"] and len(table) == len(found.findings) == 11
    text = str(found)
    assert all(each.check in text and each.evidence in text for each in found.findings) and found.verdict in text
    assert found.radii == pytest.approx([0, 0.025, 0.05, 0.1, 0.2, 0.4])
    for accuracies in found.curves.values():
        assert accuracies[0] == 1 and all(0 <= each <= 1 for each in accuracies)
    one, ten = (found.curves[name] for name in ("one step", "PGD, 10 steps"))
    assert all(strong <= weak + 1e-9 for strong, weak in zip(ten, one, strict=True))


def test_nothing_is_left_behind_and_seeds_decide():
    model, images, labels = network()
    with undrawn(), unchanged(model.train(), images, labels):
        first = diagnose(model, images, labels, eps=0.1, **QUICK)
    assert first.findings == diagnose(model, images, labels, eps=0.1, batch_size=7, **QUICK).findings


def test_refusals():
    model, images, labels = scene(3)
    for name, bad in {
        "eps": (0.0, -1.0, math.nan),
        "norm": ("l0",),
        "steps": (0,),
        "queries": (0,),
        "draws": (0,),
        "seed": (-1,),
    }.items():
        for value in bad:
            with refused(f"{name}.*expected", f"{name}={value}"):
                diagnose(model, images, labels, **{"eps": 0.1, name: value})
    with refused("images holds none that the model classifies correctly, expected one"):
        diagnose(model, pictures(3), (labels + 1) % 4, eps=0.1)
    with refused("labels.*expected"):
        diagnose(model, images, torch.tensor([0, 1]), eps=0.1)


def test_short_gradients_are_compared_by_direction_and_one_image_is_enough():
    model, images, labels = scene(6)
    tiny = diagnose(Shifted(model, scale=1e-9), images, labels, eps=0.1, **QUICK)
    assert not next(each for each in tiny.findings if each.check == "saturated logits").suspicious, str(tiny)
    masked = MASKINGS["rounded pixels"][0](model)
    alone = diagnose(masked, images[:1], masked(images[:1]).argmax(1), eps=0.1, **QUICK)
    assert alone.count == 1 and alone.suspicious


def test_a_model_through_numpy_has_no_graph():
    model, images, labels = scene(4)
    found = diagnose(lambda x: model(torch.from_numpy(x.numpy())), images, labels, eps=0.1, **QUICK)
    assert next(each for each in found.findings if each.check == "no graph").suspicious


def no_graph(model, images, **options):
    with torch.no_grad():
        labels = model(images).argmax(1)
    found = diagnose(model, images, labels, eps=0.1, **QUICK, **options)
    return next(each for each in found.findings if each.check == "no graph").suspicious


@pytest.mark.parametrize("options", [{}, {"batch_size": 12}], ids=["at once", "batches"])
def test_a_batch_norm_that_refuses_a_single_image_has_a_graph(options):
    torch.manual_seed(0)
    _, images, _ = network()
    normed = nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), 8), nn.BatchNorm1d(8), nn.Linear(8, 4))
    far = 100 * torch.eye(4)[0]  # so that nothing is fooled: attacks that drop what is come down to one image
    assert not no_graph(lambda x: normed(x) + far, images, **options)  # in training: a function takes no mode


def wrong_shape(model, x):
    return model(x[:, :1] if x.requires_grad else x)


def in_place(model, x):
    hidden = x.sigmoid()
    logits = model(hidden)
    hidden.mul_(2)
    return logits


def refusing(model, x):
    if x.requires_grad:
        raise ValueError("x is too much")
    return model(x)


@pytest.mark.parametrize(
    "bug, error, said",
    [
        (wrong_shape, RuntimeError, "channels"),
        (in_place, RuntimeError, "modified by an inplace operation"),
        (refusing, ValueError, "x is too much"),
    ],
)
def test_a_bug_of_the_model_is_no_missing_graph(bug, error, said):
    model, images, _ = network()
    with pytest.raises(error, match=said):
        no_graph(lambda x: bug(model, x), images)


def test_detached_logits_and_every_way_through_numpy_have_no_graph():
    model, images, _ = network()
    for stops in (
        lambda x: model(x).detach(),
        lambda x: model(torch.tensor(np.asarray(x))),
        torch.inference_mode()(model),
        lambda x: 2 * x.mean((1, 2, 3), keepdim=False)[:, None] * torch.inference_mode()(model)(x),
    ):
        assert no_graph(stops, images)
