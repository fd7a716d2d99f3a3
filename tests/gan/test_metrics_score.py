"""The score and the classes that are made, against what they must be."""

import math

import numpy as np
import pytest
import torch

from advcourse.gan.metrics import class_histogram, class_kl, classifier_score
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded
from tests.support.traces import undrawn

SURE = 1000.0  # as a logit: the others' probabilities underflow


def sure_of(classes, count):
    return SURE * torch.nn.functional.one_hot(torch.as_tensor(classes), count).double()


def score(logits, **given):
    return classifier_score(logits, extractor="toy", **given)


@pytest.mark.parametrize("classes", [1, 2, 10, 43])
def test_balanced_certain_answers_score_the_number_of_classes(classes):
    logits = sure_of(torch.arange(classes).repeat(20), classes)
    for splits in (1, 4):
        found = score(logits, splits=splits)
        assert found.value == pytest.approx(classes, rel=1e-12) and found.spread == pytest.approx(0, abs=1e-10)


def test_equal_answers_score_one_however_certain():
    for logits in (normal(1, 5).expand(30, 5), sure_of([3] * 30, 5), torch.zeros(30, 5)):
        assert score(logits, splits=3).value == pytest.approx(1, abs=1e-12)


def test_score_is_the_formula():
    logits = 2 * normal(47, 6)
    p, each = logits.softmax(1).numpy(), []
    for i in range(4):
        part = p[i * 47 // 4 : (i + 1) * 47 // 4]
        each.append(math.exp(np.mean(np.sum(part * np.log(part / part.mean(0)), 1))))
    found = score(logits, splits=4)
    assert found.value == pytest.approx(np.mean(each), rel=1e-12)
    assert found.spread == pytest.approx(np.std(each), rel=1e-10)
    assert score(logits + 100, splits=4).value == pytest.approx(found.value, rel=1e-12)


def test_sorted_images_need_a_draw():
    logits = sure_of(torch.arange(10).repeat_interleave(100), 10)
    assert score(logits).value == pytest.approx(1)
    with undrawn():
        drawn = score(logits, generator=seeded())
    assert drawn.value > 9 and drawn.value == score(logits, generator=seeded()).value
    order = torch.randperm(1000, generator=seeded())
    assert drawn == score(logits[order])


def test_score_in_float32_is_computed_in_float64():
    logits = (3 * normal(100, 10)).float()
    assert score(logits) == score(logits.double())


def test_what_the_score_refuses():
    with refused("splits is 11, expected at most 10"):
        score(normal(10, 3), splits=11)
    with refused("splits is 0"):
        score(normal(10, 3), splits=0)
    with refused("logits holds NaN or infinity in 1 of 10 rows"):
        score(torch.cat([normal(9, 3), torch.full((1, 3), torch.nan).double()]))
    with refused("logits has shape"):
        score(normal(10))


# -- classes


def test_a_histogram_holds_the_shares_also_of_classes_that_are_not_made():
    found = class_histogram(sure_of([0, 0, 2, 0, 3], 6))
    assert found.tolist() == [0.6, 0, 0.2, 0.2, 0, 0]
    assert class_histogram(torch.tensor([[0.0, 1.0]])).tolist() == [0, 1]


def test_kl_is_that_of_the_made_from_the_real():
    real, fake = sure_of([0, 0, 1, 2], 3), sure_of([0, 1, 1, 1, 2, 2, 2, 2], 3)
    p, q = np.array([1, 3, 4]) / 8, np.array([2, 1, 1]) / 4
    found = class_kl(real, fake, extractor="toy")
    assert found.value == pytest.approx(np.sum(p * np.log(p / q)), rel=1e-12)
    assert (found.name, found.n_real, found.n_fake) == ("KL-toy", 4, 8)


def test_a_class_that_is_never_made_leaves_kl_finite():
    real = sure_of(torch.arange(10).repeat(10), 10)
    assert class_kl(real, sure_of([4] * 50, 10), extractor="toy").value == pytest.approx(math.log(10), rel=1e-12)
    assert class_kl(real, sure_of(torch.arange(5).repeat(3), 10), extractor="toy").value == pytest.approx(math.log(2))
    assert class_kl(real, real.repeat(2, 1), extractor="toy").value == 0
    assert class_kl(sure_of([4] * 50, 10), real, extractor="toy").value == math.inf  # made, and never real


def test_what_classes_refuse():
    with refused("fake has shape"):
        class_kl(normal(9, 3), normal(9, 4), extractor="toy")
    with refused("real holds NaN"):
        class_kl(normal(9, 3) / 0, normal(9, 3), extractor="toy")
    with refused("logits holds NaN"):
        class_histogram(normal(9, 3) / 0)
