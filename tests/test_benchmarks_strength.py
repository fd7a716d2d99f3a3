"""What the benchmark of whole evaluations counts as left, missed and spent."""

from fractions import Fraction
from functools import partial

import pytest
import torch

from advcourse import data, models
from advcourse.attacks import apgd, square
from advcourse.evaluation import evaluate_robustness
from benchmarks.strength import Found, deletions, rows, summary
from benchmarks.strength_peers import WAYS, Ball, balls, in_turn, judge
from tests.support.scenes import scene

BALL = Ball("mnist/cnn", "linf", Fraction("1/10"))


def test_only_what_fools_within_the_ball_is_broken():
    model, images, labels = scene(6)
    labels[0] = (labels[0] + 1) % 4  # misclassified: not left, whoever attacks
    far = images.flip(3)
    wrong = model(far).argmax(1) != labels
    assert wrong[1:].any()
    assert judge(model, images, labels, images, BALL).tolist() == [False] + [True] * 5
    assert judge(model, images, labels, far, BALL).tolist() == [False] + [True] * 5  # outside the ball
    near = Ball("mnist/cnn", "linf", Fraction(1))
    assert torch.equal(judge(model, images, labels, far, near), ~wrong & (torch.arange(6) > 0))
    with pytest.raises(ValueError, match="returned images"):
        judge(model, images, labels, images + 0.1, BALL)
    with pytest.raises(ValueError, match="returned images"):
        judge(model, images, labels, images[:2], BALL)


def test_attacks_in_turn_keep_what_fools_within_the_ball_and_see_only_what_is_left():
    model, images, labels = scene(6)
    labels[0] = (labels[0] + 1) % 4  # misclassified from the start
    far, seen = images.flip(3), []
    near = Ball("mnist/cnn", "linf", Fraction(1))
    wrong = model(far).argmax(1) != labels

    def half(x, y):
        seen.append(len(x))
        return torch.cat([far[1:4], x[3:]])

    def rest(x, y):
        seen.append(len(x))
        return x

    found = in_turn([half, rest], model, images, labels, near)
    fooled = torch.arange(6).le(3) & wrong
    assert fooled[1:].any() and torch.equal(found[fooled][1:], far[fooled][1:]) and torch.equal(found[0], images[0])
    assert torch.equal(found[~fooled], images[~fooled])
    assert seen == [5, 5 - int(fooled[1:].sum())]
    assert torch.equal(in_turn([half], model, images, labels, BALL), images)  # outside the ball


def test_missed_is_what_the_original_always_breaks_and_this_way_never():
    original = Found([torch.tensor([False, False, True]), torch.tensor([False, True, True])], seconds=10.0)
    fast = Found([torch.tensor([True, True, True]), torch.tensor([True, False, True])], seconds=4.0)
    assert original.accuracy() == pytest.approx(0.5) and fast.accuracy() == pytest.approx(5 / 6)
    found = {"original": original, "fast": fast}
    assert [row[-1] for row in rows(BALL, found)] == ["", "0"]
    assert summary([found, found]) == (
        "- fast: robust accuracy at most +33.3 points from the original's; 0.40 of its processor time over all balls."
    )


def test_what_is_left_without_a_kind_is_what_the_others_leave(own_cache, offline, monkeypatch):
    near = Ball("mnist/cnn", "linf", Fraction("0.12"))
    ball = {"eps": 0.12, "norm": "linf"}
    kinds = {"weak": partial(square, queries=30, **ball), "APGD": partial(apgd, steps=5, **ball)}
    monkeypatch.setattr("advcourse.evaluation.sequence", lambda version, **settings: kinds)
    rows = deletions(near, 24)
    model = models.load(near.network)
    images, labels, _ = data.load("mnist", "test", n=24)
    weak, strong, both = (
        evaluate_robustness(model, images, labels, attacks=chosen, curve=False, **ball).robust_accuracy
        for chosen in ({"weak": kinds["weak"]}, {"APGD": kinds["APGD"]}, kinds)
    )
    assert both <= strong < weak
    said = [[float(cell.rstrip("%")) / 100 for cell in (row[3], row[4])] for row in rows]
    assert said[0] == pytest.approx([weak, strong], abs=1e-3) and said[1] == pytest.approx([strong, weak], abs=1e-3)
    assert [row[1] for row in rows] == [f"{both:.1%}", ""] and [row[2] for row in rows] == ["weak", "APGD"]


def test_all_norms_and_four_networks_are_compared_and_each_way_returns_images():
    assert {(ball.network, ball.norm) for ball in balls()} >= {
        ("mnist/cnn-robust", norm) for norm in ("linf", "l2", "l1")
    }
    assert len({ball.network for ball in balls()}) == 4 and len({ball.title for ball in balls()}) == len(balls())
    model, images, labels = scene(2)
    result = WAYS["fast"](model, images, labels, Ball("toy", "l2", Fraction(1, 100)), 0)
    assert result.shape == images.shape
