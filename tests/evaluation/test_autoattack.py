"""What each kind of attack in AutoAttack is for: planted networks that one kind alone fools."""

import numpy as np
import pytest
import torch
from torch import nn

from advcourse.evaluation import VERSIONS, autoattack, evaluate_robustness, sequence
from tests.evaluation.maskings import Rounded
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Affine


class Decoy(nn.Module):
    """The runner-up's distance never changes; the third class is reached by climbing towards it."""

    def forward(self, x):
        value = x.mean((1, 2, 3)) - 0.5
        return torch.stack([torch.zeros_like(value), torch.full_like(value, -0.05) + 0 * value, 8 * value - 0.7], 1)


def grey(n=4, size=4):
    return torch.full((n, 1, size, size), 0.5, dtype=torch.float64), torch.zeros(n, dtype=torch.int64)


def broken(model, images, labels, left_out=(), version="standard", **ball):
    """Share of the images fooled without those kinds."""
    kept = {name: attack for name, attack in sequence(version, classes=3, **ball).items() if name not in left_out}
    return 1 - evaluate_robustness(model, images, labels, attacks=kept, curve=False, **ball).robust_accuracy


def steep():
    """Logits through a rounding: no gradient, but scores that rise as squares do."""
    model, images, _ = scene(6)
    rounded = Rounded(model)
    return rounded, images, rounded(images).argmax(1)


@pytest.mark.parametrize("version", ["standard", "fast"])
def test_without_gradients_square_alone_finds_anything(version):
    model, images, labels = steep()
    ball = {"eps": 0.15, "norm": "linf"}
    assert broken(model, images, labels, version=version, **ball) >= 4 / 6
    assert broken(model, images, labels, ("Square",), version=version, **ball) == 0


@pytest.mark.parametrize("version", ["standard", "fast"])
def test_a_class_behind_a_decoy_is_found_by_what_is_aimed_at_it(version):
    images, labels = grey()
    ball = {"eps": 0.1, "norm": "linf"}
    rest = ("Square",)  # which would stumble upon it
    assert broken(Decoy(), images, labels, rest, version=version, **ball) == 1
    for kind in ("APGD-T", "FAB-T"):
        assert broken(Decoy(), images, labels, (*rest, kind), version=version, **ball) == 1
    dlr = {"APGD": sequence("plus", classes=3, **ball)["APGD-DLR"]}
    assert evaluate_robustness(Decoy(), images, labels, attacks=dlr, curve=False, **ball).robust_accuracy == 1


def test_versions_hold_the_kinds_of_the_paper():
    ball = {"eps": 0.1, "norm": "linf", "classes": 10}
    assert list(sequence("standard", **ball)) == ["APGD", "APGD-T", "FAB-T", "Square"]
    for norm in ("linf", "l2", "l1"):  # fast drops no kind
        assert set(sequence("fast", **ball | {"norm": norm})) >= set(sequence("standard", **ball))
    assert list(sequence("plus", **ball)) == ["APGD", "APGD-DLR", "FAB", "Square", "APGD-T", "FAB-T"]
    assert list(sequence("rand", **ball)) == ["APGD", "APGD-DLR"]
    standard = sequence("standard", **ball)
    assert standard["APGD-T"].keywords["target_classes"] == standard["FAB-T"].keywords["target_classes"] == 9
    few = sequence("standard", eps=0.1, norm="l1", classes=10)
    assert few["APGD"].keywords["restarts"] == 5 and few["APGD-T"].keywords["target_classes"] == 5
    assert few["APGD"].keywords["wide"] and few["APGD-T"].keywords["wide"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_fools_a_linear_model_just_beyond_its_distance(version):
    images, labels = grey(3)
    model = Affine(torch.stack([torch.zeros(16), torch.ones(16)]).double(), torch.tensor([9.0, 0.0]).double())
    inside = autoattack(model, images, labels, eps=1.02 / 16, version=version)
    assert (model(inside).argmax(1) == 1).all()
    assert torch.equal(autoattack(model, images, labels, eps=0.98 / 16, version=version), images)


@pytest.mark.parametrize("eps", [np.float64(0.001), np.float32(0.001), np.int64(0)])
def test_eps_may_be_a_number_of_numpys(eps):
    model, images, labels = scene(2)
    wrong = (labels + 1) % 4  # nothing is attacked
    assert torch.equal(autoattack(model, images, wrong, eps=eps), images)


@pytest.mark.parametrize(
    "name, bad", [("eps", -1), ("eps", "0.1"), ("norm", "LINF"), ("classes", 0), ("classes", 1), ("classes", 2.0)]
)
def test_sequence_refuses_bad_input(name, bad):
    with refused(f"{name} is {bad!r}, expected"):
        sequence("standard", **{"eps": 0.1, "norm": "linf", "classes": 10, name: bad})
