"""Noisy student: what is kept of a teacher's answers, and whom it teaches."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse import training
from advcourse.core.running import predict
from advcourse.defenses import noisy_student, pseudo_labels, soft_loss
from advcourse.networks import CifarResNet
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Affine, smooth_cnn


class Read(nn.Module):
    """Logits that are the log of the image's own pixels, so that an image says its probabilities."""

    def forward(self, x):
        return x.flatten(1).log()


def images_of(*rows):
    return torch.tensor(rows, dtype=torch.float64).view(len(rows), 1, 1, -1)


ROWS = images_of(
    [0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.1, 0.8, 0.1], [0.05, 0.9, 0.05], [0.2, 0.6, 0.2], [0.34, 0.33, 0.33]
)


def test_soft_and_hard_answers_of_what_the_teacher_is_sure_of():
    soft = pseudo_labels(Read(), ROWS, threshold=0.5)
    assert soft.indices.tolist() == [0, 2, 3, 4]
    torch.testing.assert_close(soft.targets, ROWS[soft.indices].flatten(1))
    hard = pseudo_labels(Read(), ROWS, threshold=0.5, soft=False)
    assert torch.equal(hard.targets, F.one_hot(torch.tensor([0, 1, 1, 1]), 3).double())
    assert len(pseudo_labels(Read(), ROWS, threshold=0).indices) == 6


def test_balance_takes_the_surest_of_a_common_class_and_repeats_those_of_a_rare_one():
    told = pseudo_labels(Read(), ROWS, threshold=0.36, per_class=3)
    assert sorted(told.indices.tolist()) == [0, 0, 1, 2, 3, 4]
    assert told.indices.tolist()[:3] == [0, 1, 0] and told.indices.tolist()[3:] == [3, 2, 4]
    two = pseudo_labels(Read(), ROWS, threshold=0.36, per_class=2)
    assert two.indices.tolist() == [0, 1, 3, 2]


def test_the_teacher_answers_in_eval_mode_and_keeps_its_own():
    teacher, images, _ = scene()
    teacher.train()
    told = pseudo_labels(teacher, images, threshold=0)
    assert teacher.training and torch.equal(told.targets, predict(teacher, images).softmax(1))


def test_soft_loss_is_the_cross_entropy_with_probabilities_and_with_one_hot_ones_the_standard_one():
    model, images, labels = scene()
    targets = torch.rand(len(images), 4, dtype=torch.float64)
    targets /= targets.sum(1, keepdim=True)
    expected = -(targets * model(images).log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(soft_loss(model, images, targets), expected)
    one_hot = F.one_hot(labels, 4).double()
    torch.testing.assert_close(soft_loss(model, images, one_hot), training.standard_loss(model, images, labels))
    with refused("targets has shape"):
        soft_loss(model, images, labels)


def test_each_student_is_taught_by_the_one_before_on_both_kinds_of_images(tmp_path):
    teacher, images, labels = scene()
    calls = []

    def train(student, data, loss, checkpoint):
        calls.append((data, checkpoint))
        with torch.no_grad():
            student[-1].bias += len(calls)

    students = noisy_student(
        teacher,
        lambda number: smooth_cnn(),
        (images, labels),
        images[:4],
        train,
        rounds=2,
        threshold=0,
        checkpoint=tmp_path,
    )
    for number, by in enumerate((teacher, students[0])):
        (x, targets), checkpoint = calls[number]
        assert torch.equal(x, torch.cat([images, images[:4]])) and checkpoint == tmp_path / f"round-{number + 1}.pt"
        assert torch.equal(targets[:6], F.one_hot(labels, 4).double())
        torch.testing.assert_close(targets[6:], predict(by, images[:4]).softmax(1))
    assert len(students) == 2


def test_students_learn_from_images_without_labels():
    """Of ten labelled points in twelve dimensions a teacher learns little; its students see five hundred more."""
    draws = torch.Generator().manual_seed(1)
    direction = torch.randn(12, generator=draws).double()
    points = torch.randn(900, 12, generator=draws).double()
    labels = (points @ direction > 0).long()
    points += (2 * labels - 1)[:, None] * direction / direction.norm() * 1.5  # two clouds with a gap
    x = (0.5 + points / 12).clamp(0, 1).view(-1, 1, 3, 4)

    def untrained(number=0):
        torch.manual_seed(number)
        return Affine(0.01 * torch.randn(2, 12).double())

    def fit(model, data, loss):
        training.fit(
            model,
            data,
            loss,
            epochs=300,
            batch_size=1000,
            optimizer=torch.optim.Adam(model.parameters(), 0.1),
            progress=False,
        )

    teacher = untrained()
    fit(teacher, (x[:10], labels[:10]), training.standard_loss)
    students = noisy_student(
        teacher, untrained, (x[:10], labels[:10]), x[10:510], fit, rounds=2, threshold=0.6, soft=False
    )
    found = [training.accuracy(model, x[510:], labels[510:]) for model in (teacher, *students)]
    assert found[1] >= found[0] and found[2] > found[0]


def test_the_noise_is_in_the_network_and_in_training_alone():
    torch.manual_seed(0)
    plain = CifarResNet(1).eval()
    noisy = CifarResNet(1, drop_path=0.5, dropout=0.5)
    noisy.load_state_dict(plain.state_dict())
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(noisy.eval()(x), plain(x))
    probabilities = [module.p for module in noisy.modules() if type(module).__name__ == "StochasticDepth"]
    assert probabilities == pytest.approx([0.5 / 3, 1 / 3, 0.5])
    noisy.train()
    assert not torch.equal(noisy(x), noisy(x))


def test_a_block_that_is_always_dropped_is_its_shortcut():
    block = CifarResNet(2, drop_path=1.0).layer3[1].train()
    x = torch.rand(3, 64, 4, 4)
    assert torch.equal(block(x), x)


def test_bad_input_is_named():
    teacher, images, labels = scene()
    run = partial(noisy_student, teacher, lambda number: smooth_cnn(), (images, labels), images, lambda *data: None)
    for settings, name in (
        ({"rounds": 0}, "rounds"),
        ({"threshold": 1.5}, "threshold"),
        ({"per_class": 0}, "per_class"),
        ({"soft": 1}, "soft"),
    ):
        with refused(name):
            run(**settings)
    with refused("threshold is 1"):
        pseudo_labels(Read(), ROWS, threshold=1.0)
    with refused("teacher knows 4 classes"):
        noisy_student(teacher, lambda number: smooth_cnn(), (images, labels + 4), images, lambda *data: None)
    with refused("student knows 5 classes"):
        noisy_student(teacher, lambda number: smooth_cnn(classes=5), (images, labels), images, lambda *data: None)
