"""Equality with torch-fidelity, on the same features, splits and subsets; and its Inception."""

import numpy as np
import pytest
import torch
from torch import nn

from advcourse.gan.metrics import (
    Inception,
    classifier_score,
    features,
    frechet_distance,
    kernel_distance,
    precision_recall,
)
from tests.support.refusals import refused
from tests.support.scenes import normal

SAME = 1e-6


def fidelity(module):
    return pytest.importorskip(f"torch_fidelity.{module}", reason="torch-fidelity is not installed")


@pytest.fixture(scope="module", params=["normal", "relu"])
def sets(request):
    """Real and fake features: Gaussian, or as after a ReLU, many of them zero."""
    real, fake = normal(700, 24) @ normal(24, 24, seed=9), normal(500, 24, seed=1) @ normal(24, 24, seed=8) + 0.7
    return (real, fake) if request.param == "normal" else (real.relu(), fake.relu())


def test_frechet_distance_is_torch_fidelitys(sets):
    peer = fidelity("metric_fid")
    moments = [peer.fid_features_to_statistics(each) for each in sets]
    expected = peer.fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(*sets, extractor="toy").value == pytest.approx(expected, rel=SAME)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("splits", [1, 7, 10])
def test_score_is_torch_fidelitys(sets, splits, shuffle):
    peer = fidelity("metric_isc")
    logits = sets[1]
    expected = peer.isc_features_to_metric(logits, splits=splits, shuffle=shuffle, rng_seed=5)
    order = np.random.RandomState(5).permutation(len(logits)) if shuffle else np.arange(len(logits))
    found = classifier_score(logits[order], extractor="toy", splits=splits)
    assert found.value == pytest.approx(expected["inception_score_mean"], rel=SAME)
    assert found.spread == pytest.approx(expected["inception_score_std"], rel=SAME, abs=1e-12)


def test_kernel_distance_is_torch_fidelitys(sets):
    peer, (real, fake), each = fidelity("metric_kid"), sets, []
    settings = {"kid_subsets": 6, "kid_subset_size": 90, "rng_seed": 5, "verbose": False}
    expected = peer.kid_features_to_metric(real, fake, **settings)
    draws = np.random.RandomState(5)
    for _ in range(6):
        x, y = (rows[draws.choice(len(rows), 90, replace=False)] for rows in sets)
        each.append(kernel_distance(x, y, extractor="toy", subsets=1, subset_size=90).value)
    assert np.mean(each) == pytest.approx(expected["kernel_inception_distance_mean"], rel=SAME)
    assert np.std(each) == pytest.approx(expected["kernel_inception_distance_std"], rel=SAME)


@pytest.mark.parametrize("k", [1, 3, 12])
def test_precision_and_recall_are_torch_fidelitys(sets, k):
    peer, (real, fake) = fidelity("metric_prc"), sets
    settings = {"prc_neighborhood": k, "prc_batch_size": 128, "save_cpu_ram": False, "verbose": False}
    expected = peer.prc_features_to_metric(fake, real, **settings)  # the made ones first
    found = precision_recall(real, fake, extractor="toy", k=k)
    assert found.precision == pytest.approx(expected["precision"], rel=SAME)
    assert found.recall == pytest.approx(expected["recall"], rel=SAME)


# -- its Inception, without its weights


def test_inception_says_that_its_weights_cannot_be_had(monkeypatch, tmp_path):
    peer = fidelity("feature_extractor_inceptionv3")

    def unreachable(*given, **named):
        raise ConnectionError("no network in this test")

    monkeypatch.setattr(peer, "load_state_dict_from_url", unreachable)
    for given in ({}, {"weights": tmp_path / "absent.pth"}):
        with pytest.raises(OSError, match=r"weights of Inception cannot be had .* Name their file"):
            Inception(**given)
    with refused("layer is '64', expected one of 2048, logits_unbiased"):
        Inception("64")


def test_metrics_of_inception_alone_are_named_fid_kid_and_is(monkeypatch):
    """With random weights: its names, shapes and bytes, not its values."""
    peer, seen = fidelity("feature_extractor_inceptionv3"), []

    class Network(nn.Module):
        def __init__(self, name, layers, path):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            seen.append(x)
            return (x.flatten(1)[:, :4].float(),)

    monkeypatch.setattr(peer, "FeatureExtractorInceptionV3", Network)
    inception, images = Inception(), torch.rand(9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = features(inception, images, 5)
    assert found.shape == (9, 4) and seen[0].dtype == torch.uint8
    torch.testing.assert_close(seen[0] / 255, images[:5], rtol=0, atol=0.5 / 255 + 1e-6)
    assert frechet_distance(found, found, extractor=inception).name == "FID"
    assert kernel_distance(found, found, extractor=inception, subset_size=4).name == "KID"
    assert classifier_score(found, extractor=inception, splits=2).name == "IS"
    assert precision_recall(found, found, extractor=inception).name == "PR-inception"
