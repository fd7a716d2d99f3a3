"""Features of any network, and results that name it."""

import pytest
import torch
from torch import nn

from advcourse.gan.metrics import (
    Coverage,
    Metric,
    Penultimate,
    PrecisionRecall,
    classifier_score,
    critic_wasserstein,
    features,
    frechet_distance,
    kernel_distance,
    precision_recall,
    stacked_coverage,
)
from advcourse.networks import CifarResNet, Normalized, SmallCNN
from tests.support.refusals import refused
from tests.support.scenes import normal
from tests.support.toys import pictures, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn


def test_penultimate_is_what_the_last_linear_layer_is_given():
    model, images = smooth_cnn(), pictures(5)
    torch.testing.assert_close(Penultimate(model)(images), model[:-1](images), rtol=0, atol=0)
    found = features(Penultimate(model), images)
    assert found.shape == (5, 32)
    torch.testing.assert_close(model[-1](found), model(images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("network", "images", "width"), [(SmallCNN(), (3, 1, 28, 28), 128), (CifarResNet(1), (2, 3, 32, 32), 64)]
)
def test_penultimate_of_the_courses_networks(network, images, width):
    model = Normalized(network, [0.5] * images[1], [0.25] * images[1]).eval()
    found, linear = features(Penultimate(model), torch.rand(images)), list(model.modules())[-1]
    assert found.shape == (images[0], width) and isinstance(linear, nn.Linear)


def test_the_layer_that_is_called_last_counts_not_the_one_that_was_made_last():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.body = nn.Linear(3, 2), nn.Linear(48, 3)

        def forward(self, x):
            return self.head(self.body(x.flatten(1)))

    model, images = Backwards().double(), pictures(2, 1)
    torch.testing.assert_close(Penultimate(model)(images), model.body(images.flatten(1)))


def test_batches_change_nothing():
    extractor, images = Penultimate(smooth_cnn()), pictures(7)
    whole = features(extractor, images)
    for size in (1, 3, 7, 100):
        torch.testing.assert_close(features(extractor, images, size), whole, rtol=0, atol=1e-14)
    assert features(extractor, images[:1].float().double(), 1).shape == (1, 32)


@pytest.mark.parametrize("mode", MODES)
def test_features_leave_no_trace(mode):
    model, images = in_use(smooth_cnn(), mode), pictures(5).requires_grad_()
    expected = smooth_cnn()[:-1](images.detach())
    with unchanged(model, images), undrawn():
        found = features(Penultimate(model), images, 2)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)  # in eval mode, whatever mode it is in
    assert not found.requires_grad
    assert not any(layer._forward_pre_hooks for layer in model.modules())


def test_a_classifier_that_fails_keeps_no_hook():
    model = smooth_cnn()
    with pytest.raises(RuntimeError):
        Penultimate(model)(pictures(2, channels=1))
    assert not any(layer._forward_pre_hooks for layer in model.modules())


def test_what_features_and_penultimate_refuse():
    images, extractor = pictures(4), Penultimate(smooth_cnn())
    with refused(r"images ranges over \[-1, .*expected \[0, 1\]"):
        features(extractor, 2 * images - 1)
    with refused("images holds NaN"):
        features(extractor, images / 0)
    with refused("images has shape"):
        features(extractor, images[0])
    with refused("batch_size is 0"):
        features(extractor, images, 0)
    with refused("expected one precision"):
        features(extractor, images.float())
    with refused(r"extractor returned torch.float64 \(4, 2, 8, 6\), expected .* \(4, D\)"):
        features(lambda x: x, images)
    with refused("extractor returned torch.float64 \\(1, 3\\)"):
        features(lambda x: x.new_ones(1, 3), images)
    with refused("extractor returned tuple"):
        features(lambda x: (x,), images)
    with refused("extractor returned NaN or infinity"):
        features(lambda x: x.flatten(1) / 0, images)
    with refused("classifier is a Flatten without nn.Linear"):
        Penultimate(nn.Flatten())
    with refused("classifier is a function"):
        Penultimate(lambda x: x)

    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)

        def forward(self, x):
            return x

    with refused("classifier has called none"):
        Penultimate(Idle())(images)


# -- names


def test_every_result_is_named_after_its_extractor():
    real, fake, images = normal(12, 3), normal(9, 3, seed=1), pictures(4, 3)
    classifier = smooth_cnn(channels=1)
    found = [
        frechet_distance(real, fake, extractor="mnist/cnn"),
        kernel_distance(real, fake, extractor=" mnist/cnn ", subset_size=5),
        classifier_score(fake, extractor="mnist/cnn", splits=3),
        precision_recall(real, fake, extractor="mnist/cnn"),
        stacked_coverage(classifier, images, extractor="mnist/cnn"),
        critic_wasserstein(lambda x: x[:, 0], real, fake),
    ]
    names = "FD-mnist-cnn KD-mnist-cnn CS-mnist-cnn PR-mnist-cnn stacked-mnist-cnn W1-critic".split()
    assert [each.name for each in found] == names
    assert [each.n_fake for each in found] == [9, 9, 9, 9, 4, 9]
    assert [each.n_real for each in found if not isinstance(each, Coverage)] == [12, 12, None, 12, 12]


@pytest.mark.parametrize("name", ["FID", "fid", "my FID", "kid", "FID/inception"])
def test_fid_is_no_name_that_one_can_give(name):
    with refused("expected the name of the network.*FID and KID are those of torch-fidelity's Inception alone"):
        frechet_distance(normal(9, 3), normal(9, 3), extractor=name)


@pytest.mark.parametrize("given", ["", "  ", None, nn.Flatten()])
def test_an_extractor_has_a_name(given):
    with refused("extractor is .*expected the name of the network"):
        kernel_distance(normal(9, 3), normal(9, 3), extractor=given, subset_size=4)


def test_a_name_that_merely_holds_the_letters_is_one():
    assert frechet_distance(normal(9, 3), normal(9, 3), extractor="fidelity").name == "FD-fidelity"


def test_results_can_be_read_and_not_changed():
    metric = Metric(1234.5678, "FD-mnist-cnn", 10000, 2500)
    assert str(metric) == "FD-mnist-cnn 1235 (10000 real, 2500 fake)" and float(metric) == 1234.5678
    assert str(Metric(9.5, "CS-mnist-cnn", None, 100, 0.0123)) == "CS-mnist-cnn 9.5 ± 0.012 (100 fake)"
    pair = PrecisionRecall(0.5, 0.25, "PR-mnist-cnn", 8, 4, 3)
    assert str(pair) == "PR-mnist-cnn precision 0.500, recall 0.250 (k = 3, 8 real, 4 fake)"
    assert (
        str(Coverage(7, 8, 0.9, "modes within 3σ", 10, (1,) * 8))
        == "modes within 3σ 7 of 8 modes, 90.0% good (10 fake)"
    )
    with pytest.raises(AttributeError):
        metric.value = 0.0
