"""The checks say what is wrong, and neither let a wrong result pass nor touch the student's names."""

import contextlib
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from advcourse.grading import checks, toys
from tests.support.refusals import says
from tests.support.scenes import seeded

IMAGES = torch.tensor([0.5, 0.5, 0.5, 0.95], dtype=torch.float64).view(1, 1, 2, 2)
EXPECTED = torch.tensor([0.4, 0.6, 0.5, 0.85], dtype=torch.float64).view_as(IMAGES)


class Agreeable:
    def __eq__(self, other):
        return True


class AgreeableRate(Agreeable, float):
    pass


@pytest.mark.parametrize(
    "result, pattern",
    [
        (None, "returned None: is the `return` missing"),
        (Agreeable(), "returned an Agreeable; expected a torch.Tensor"),
        ([0.5], "returned a list"),
        (EXPECTED[0], re.escape("returned shape (1, 2, 2); expected (1, 1, 2, 2)")),
        (EXPECTED.float(), "returned torch.float32; the images are torch.float64"),
        (EXPECTED / 0 * 0, "not finite"),
        (EXPECTED + 0.2, r"pixels from 0.600 to 1.050, outside \[0, 1\]: did you clamp"),
    ],
)
def test_what_an_attack_returns(result, pattern):
    with says(pattern):
        checks.attack(lambda model, images, labels: result, None, IMAGES, torch.tensor([0]))


def test_infinity_where_it_is_asked_for():
    given = torch.tensor([1.0, torch.inf])
    assert torch.equal(checks.tensor(given, "distances", shape=(2,), dtype=torch.float32, finite=False), given)
    with says("not finite"):
        checks.tensor(given, "distances", shape=(2,), dtype=torch.float32)
    with says("0 divided by 0"):
        checks.tensor(given / given, "distances", shape=(2,), dtype=torch.float32, finite=False)


def test_values_written_down_with_few_digits():
    exact = torch.tensor([[1 / 3, 2.0]], dtype=torch.float64)
    checks.values(exact, torch.tensor([[0.33333, 2.0]]), "distances", rtol=1e-4)
    with says("distances: the norm is missing"):
        checks.values(exact, exact + 1, "distances", {"the norm is missing": [[0.33333, 2]]}, rtol=1e-4)
    with says("distances gives 2 at"):
        checks.values(exact, exact - torch.tensor([0.0, 1.0]), "distances", {"the norm is missing": [[0.33333, 1]]})


@pytest.mark.parametrize(
    "result, pattern",
    [
        (IMAGES, "the images came back as they were"),
        (2 * IMAGES - EXPECTED, "wrong way: look at the sign"),
        (IMAGES + 3 * (EXPECTED - IMAGES), "your δ reaches 0.3000, expected 0.1000: are ε and the step in units"),
        (IMAGES + 0.5 * (EXPECTED - IMAGES), "your δ reaches 0.0500, expected 0.1000$"),
        (IMAGES + torch.tensor([-0.1, 0.05, 0, -0.1]).view(1, 1, 2, 2), "not along the gradient"),
        (IMAGES + torch.tensor([-0.1, 0.1, 0.1, -0.1]).view(1, 1, 2, 2), "pixel 2 of image 0 became 0.6000"),
    ],
)
def test_how_a_perturbation_differs(result, pattern):
    with says(pattern):
        checks.perturbation(result.double(), EXPECTED, IMAGES, "fgsm")


def test_a_right_perturbation_passes_up_to_rounding():
    checks.perturbation(EXPECTED + 1e-8, EXPECTED, IMAGES, "fgsm")
    with says("fgsm"):
        checks.perturbation(EXPECTED + 1e-4, EXPECTED, IMAGES, "fgsm")


def test_ball():
    checks.in_ball(EXPECTED, IMAGES, 0.1, "attack")
    with says("your δ reaches 0.100 but ε is 0.031: did you project after the step"):
        checks.in_ball(EXPECTED, IMAGES, 0.031, "attack")


def test_stopping():
    moved = torch.cat([IMAGES + 0.06, IMAGES])
    checks.stopping(moved, IMAGES.repeat(2, 1, 1, 1), [3, 0], 0.02, "ifgsm")
    with says("image 0 took 3 steps, expected 2"):
        checks.stopping(moved, IMAGES.repeat(2, 1, 1, 1), [2, 0], 0.02, "ifgsm")
    with says("image 0 needed no step but took 3"):
        checks.stopping(moved, IMAGES.repeat(2, 1, 1, 1), [0, 0], 0.02, "ifgsm")
    with says("image 1 took 0 steps, expected 1"):
        checks.stopping(moved, IMAGES.repeat(2, 1, 1, 1), [3, 1], 0.02, "ifgsm")


@pytest.mark.parametrize("result", [Agreeable(), True, np.True_, "0.75", 1j, torch.ones(2), torch.tensor(True), None])
def test_not_a_number(result):
    with says("expected one number"):
        checks.number(result, "rate")


def test_nan_is_a_number_where_it_is_asked_for():
    assert math.isnan(checks.number(np.float64("nan"), "x", nan=True))
    with pytest.raises(checks.CheckFailed, match="x is nan, expected one number"):
        checks.number(torch.tensor(torch.nan), "x")


def test_numbers():
    for given in (0.75, torch.tensor(0.75), np.float32(0.75), Fraction(3, 4), AgreeableRate(0.75)):
        assert checks.number(given, "rate") == 0.75
        assert type(checks.number(given, "rate")) is float
    checks.value(0.75, 3 / 4, "rate")
    with says("rate gives 0.8, expected 0.75: all images were counted"):
        checks.value(0.8, 0.75, "rate", {"all images were counted": 0.8})
    with says("rate gives nan, expected 0.75"):
        checks.value(float("nan"), 0.75, "rate")


def overwrite(model, images):
    images.zero_()


def ask_for_gradients(model, images):
    images.requires_grad_()


def fill_gradients(model, images):
    model(images).sum().backward()


def freeze(model, images):
    model.requires_grad_(False)


def train(model, images):
    with torch.no_grad():
        model.bias += 1


def change_mode(model, images):
    model.eval()


def stop_recording(model, images):
    torch.set_grad_enabled(False)


@pytest.mark.parametrize(
    "trace, pattern",
    [
        (overwrite, "overwrote its input"),
        (ask_for_gradients, "left requires_grad or .grad set"),
        (fill_gradients, "filled .grad of the model's parameters"),
        (freeze, "changed requires_grad of the model's parameters"),
        (train, "changed the model's parameters"),
        (change_mode, "between train and eval mode"),
        (stop_recording, "gradient mode switched"),
    ],
)
def test_traces(trace, pattern):
    model, images = toys.Affine([[1.0, -2, 0, 3], [0, 0, 0, 0]]), IMAGES.clone()
    with says(pattern), checks.leaves_no_trace("attack", model, images):
        trace(model, images)
    assert torch.is_grad_enabled()


def test_no_trace():
    model = toys.Affine([[1.0, -2, 0, 3], [0, 0, 0, 0]])
    with checks.leaves_no_trace("attack", model, IMAGES):
        model(IMAGES)


def test_graph():
    checks.no_graph(IMAGES, "attack")
    with says("still requires a gradient"):
        checks.no_graph(IMAGES * torch.ones((), requires_grad=True), "attack")


def test_the_message_comes_without_a_traceback():
    (line,) = checks.CheckFailed("what is wrong")._render_traceback_()
    assert line.endswith("what is wrong")


def answer():
    raise NotImplementedError


def answer_with(argument):
    return 42


def test_a_mistake_before_costs_nothing(capsys):
    def passes():
        assert answer() == 42

    checks.if_wrong_before(answer=lambda: 42)
    checks.exercise("the next exercise")(passes)
    assert "✓ the next exercise" in capsys.readouterr().out
    with pytest.raises(NotImplementedError):
        answer()
    with pytest.raises(NotImplementedError):  # the right version served one exercise only
        checks.exercise("another")(passes)

    def fails():
        assert answer() == 43

    checks.if_wrong_before(answer=lambda: 42)
    with pytest.raises(NotImplementedError):  # and does not excuse a mistake in this one
        checks.exercise("another")(fails)
    assert "✓" not in capsys.readouterr().out


def test_own_versions_count_where_right_ones_do_not_fit(capsys):
    def passes():
        assert answer_with("an argument of my own") == 42

    checks.if_wrong_before(answer_with=lambda: 42)
    checks.exercise("the next exercise")(passes)
    assert "✓" in capsys.readouterr().out


def test_a_failure_that_the_answer_swallows_counts(capsys):
    def loss(attack):
        with contextlib.suppress(Exception):
            attack()
        return 0.0

    def strict():
        checks.fail("the attack was called")

    with pytest.raises(checks.CheckFailed, match="the attack was called"):
        checks.exercise("an exercise")(lambda: loss(strict))
    checks.exercise("the next one")(lambda: None)
    assert capsys.readouterr().out == "✓ the next one\n"


def own_step():
    return "own"


def test_a_failure_with_a_right_version_counts_only_if_it_comes_again(capsys, monkeypatch):
    def test():
        if own_step() == "right":
            with contextlib.suppress(Exception):
                checks.fail("the right version does not fit")

    monkeypatch.setitem(globals(), "own_step", lambda: "own")
    checks.if_wrong_before(own_step=lambda: "right")
    checks.exercise("an exercise")(test)
    assert "✓" in capsys.readouterr().out
    monkeypatch.setitem(globals(), "own_step", lambda: "right")
    with pytest.raises(checks.CheckFailed, match="does not fit"):
        checks.exercise("an exercise")(test)


def test_a_second_run_finds_random_numbers_as_the_first_one_did():
    found = []

    def draws():
        found.append(torch.rand(1).item())
        answer()

    checks.if_wrong_before(answer=lambda: 1 / 0)
    with pytest.raises(NotImplementedError):
        checks.exercise("an exercise")(draws)
    assert len(found) == 2 and found[0] == found[1]


def test_toys_are_what_their_formulas_say():
    generator = seeded(3)
    images = torch.rand(5, 2, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    model = toys.Affine(torch.randn(4, 24, generator=generator), [0.1, -0.2, 0.3, 0.0])
    labels = torch.tensor([0, 1, 2, 3, 1])
    loss = torch.nn.functional.cross_entropy(model(images), labels, reduction="sum")
    torch.testing.assert_close(model.loss_gradient(images, labels), torch.autograd.grad(loss, images)[0])

    margins = toys.TwoClasses(lambda x: x.flatten(1).sum(1) - 12)
    assert torch.equal(margins(images).argmax(1) == 0, images.flatten(1).sum(1) > 12)

    squares = toys.Prototypes(torch.rand(3, 2, 3, 4, generator=generator, dtype=torch.float64), [1.0, 2.0, 0.5])
    found = squares.logit_gradients(images)
    for k in range(3):
        torch.testing.assert_close(found[:, k], torch.autograd.grad(squares(images)[:, k].sum(), images)[0])


@pytest.mark.parametrize(("dtype", "share"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_what_rounding_may_take_of_sums_and_no_more(dtype, share):
    right = torch.tensor([40.0, -0.5, 0.0], dtype=dtype)
    allowed = checks.slack(right)
    assert allowed == pytest.approx(40 * share)
    checks.values(right + 0.9 * allowed, right, "found", rtol=0, atol=allowed)
    with says("found gives"):
        checks.values(right + 1.5 * allowed, right, "found", rtol=0, atol=allowed)
    with says("found: twice"):
        checks.values(2 * right, right, "found", {"twice": 2 * right}, rtol=0, atol=allowed)
