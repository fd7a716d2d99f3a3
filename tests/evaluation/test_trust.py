"""What makes an evaluation believable: random models, NaN, promises that are checked, models of any form."""

from functools import partial

import pytest
import torch
from torch import nn

from advcourse.attacks import deepfool, fgsm, pgd, square
from advcourse.core.running import count_passes, counted, predict
from advcourse.evaluation import compare, evaluate, fooling_rate, rho_adv
from tests.support.scenes import scene, seeded
from tests.support.toys import Breaks, pictures, smooth_cnn
from tests.support.traces import unchanged

IDENTITY = 1e-12


def still(model, images, labels, targets=None):
    return images.clone()


def attacked_share(report):
    return report.attacked.double().mean().item()


# -- random models


class Coins(nn.Module):
    """Two classes; an image of mean m is of class 1 with probability m, drawn anew at every pass."""

    def __init__(self, spread=1.0):
        super().__init__()
        self.coins, self.spread, self.said = seeded(), spread, []

    def forward(self, x):
        m = x.mean((1, 2, 3))
        one = torch.rand(len(x), generator=self.coins, dtype=x.dtype) * self.spread + (1 - self.spread) / 2 < m
        self.said.append(one.long())
        return torch.stack([1 - one.to(x.dtype), one.to(x.dtype)], 1) + 0 * m[:, None]


def grey(*levels):
    return torch.tensor(levels, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


def darken(model, images, labels, targets=None):
    return images * 0.5


@pytest.mark.parametrize(("given", "draws"), [(None, 10), (4, 4), (1, 1), (25, 25)])
def test_the_numbers_of_a_random_model_are_means_over_its_draws(given, draws):
    model, images, labels = Coins(), grey(*[0.3, 0.5, 0.8, 0.95] * 5), torch.ones(20, dtype=torch.int64)
    report = evaluate(model, darken, images, labels, draws=given)
    assert report.random and report.draws == draws
    clean = torch.stack(model.said[:draws])
    after = torch.stack(model.said[max(draws, 2) :])
    known = clean.bool().any(0)
    assert torch.equal(report.attacked, known) and after.shape == (draws, known.sum())
    assert report.clean_accuracy == pytest.approx(clean.double().mean().item())
    assert report.robust_accuracy == pytest.approx(after.double().sum().item() / draws / 20)
    assert report.success_rate == pytest.approx(1 - after.double().mean().item())
    assert report.success_rate == pytest.approx(report.shares[known].mean().item())
    assert torch.equal(report.success, report.shares > 0.5)
    assert report.robust_accuracy + report.success_rate * attacked_share(report) == pytest.approx(
        attacked_share(report)
    )


def test_two_draws_of_a_random_model_agree_within_their_error():
    """Ten draws of 200 images: one standard deviation of the accuracy is 0.011."""
    images, labels = grey(*[0.5] * 200), torch.ones(200, dtype=torch.int64)
    model = Coins()
    one, two = (evaluate(model, still, images, labels) for _ in range(2))
    assert abs(one.clean_accuracy - 0.5) < 0.05 and abs(two.clean_accuracy - 0.5) < 0.05
    assert abs(one.clean_accuracy - one.robust_accuracy) < 0.06  # one draw would have lost half of the images


def test_targets_of_a_random_model_are_hit_in_a_share_of_the_draws():
    model, images = Coins(), grey(0.9, 0.9, 0.9, 0.2)
    report = evaluate(
        model, darken, images, torch.ones(4, dtype=torch.int64), targets=torch.zeros(4, dtype=torch.int64)
    )
    assert report.success_rate == pytest.approx(report.shares[report.attacked].mean().item())
    assert 0 < report.success_rate < 1 and report.random


def test_a_model_that_does_not_draw_is_counted_once_and_the_identity_holds():
    model, images, labels = scene(12)
    labels[::3] = (labels[::3] + 1) % 4
    report = evaluate(model, partial(fgsm, eps=0.02), images, labels, batch_size=5)
    assert (report.random, report.draws) == (False, 1)
    assert 0 < report.robust_accuracy < report.clean_accuracy < 1
    assert report.robust_accuracy + report.success_rate * attacked_share(report) == pytest.approx(report.clean_accuracy)
    assert torch.equal(report.shares, report.success.to(images))
    more = evaluate(model, partial(fgsm, eps=0.02), images, labels, draws=3)
    assert (more.random, more.draws) == (False, 3) and more.robust_accuracy == report.robust_accuracy


@pytest.mark.parametrize(("size", "random"), [(1e-7, False), (1e-3, True)])
def test_sums_in_no_fixed_order_are_no_random_model(size, random):
    network, noise = smooth_cnn(dtype=torch.float32), seeded()

    def shaky(x):
        logits = network(x)
        return logits * (1 + size * torch.randn(logits.shape, generator=noise))

    images = pictures(6).float()
    assert evaluate(shaky, still, images, network(images).argmax(1)).random is random


def test_draws_must_be_a_number_of_passes():
    model, images, labels = scene()
    for bad in (0, 2.5, True):
        with pytest.raises(ValueError, match=f"draws is {bad}, expected"):
            evaluate(model, still, images, labels, draws=bad)


# -- NaN


def test_nan_after_the_attack_is_a_success_and_not_robust():
    """By one rule: it is no class."""
    images, labels = grey(0.9, 0.8, 0.4, 0.3), torch.tensor([1, 1, 1, 0])
    with pytest.warns(UserWarning, match="the logits of 3 of 3 attacked images hold NaN after the attack"):
        report = evaluate(Breaks(0.25), lambda m, x, y: x * 0.1, images, labels)
    assert report.attacked.tolist() == [True, True, True, False]
    assert (report.clean_accuracy, report.success_rate, report.robust_accuracy) == (0.75, 1, 0)
    assert report.undefined == 3 and report.success.tolist() == [True, True, True, False]
    with pytest.warns(UserWarning, match="hold NaN"):
        some = evaluate(Breaks(0.25), lambda m, x, y: x * 0.5, images, labels)
    assert (some.success_rate, some.robust_accuracy, some.undefined) == (pytest.approx(1 / 3), 0.5, 1)
    assert some.robust_accuracy + some.success_rate * attacked_share(some) == pytest.approx(some.clean_accuracy)


def test_nan_is_no_target():
    images, labels = grey(0.9, 0.8), torch.tensor([1, 1])
    with pytest.warns(UserWarning, match="hold NaN"):
        report = evaluate(Breaks(0.25), lambda m, x, y, targets: x * 0.1, images, labels, targets=labels * 0)
    assert (report.success_rate, report.robust_accuracy) == (0, 0)


# -- promises


@pytest.mark.parametrize(("norm", "length"), [("linf", 0.2), ("l2", 0.4), ("l1", 0.8)])
def test_an_attack_that_leaves_its_ball_is_refused_with_the_image_and_by_how_much(norm, length):
    model, images = Coins(0.0), grey(0.9, 0.1, 0.7, 0.8)
    labels = torch.tensor([1, 1, 1, 1])  # the second is not attacked

    def too_far(model, images, labels):
        return images - 0.1 - 0.1 * (images == 0.8)

    report = evaluate(model, too_far, images, labels, eps=length, norm=norm, batch_size=2)
    assert report.linf_per_image.tolist() == pytest.approx([0.1, 0, 0.1, 0.2])
    message = rf"the attack's result is {length:g} from image number 3 in {norm}, expected at most {length * 0.9:g}: "
    with pytest.raises(ValueError, match=message + f"that is {length / 10:.2g} too far"):
        evaluate(model, too_far, images, labels, eps=length * 0.9, norm=norm, batch_size=2)
    with pytest.raises(ValueError, match=r"number 3 .*\(3 images are outside\)"):
        evaluate(model, too_far, images, labels, eps=length / 4, norm=norm)
    with pytest.raises(ValueError, match="number 3 in"):
        compare(model, {"far": too_far}, images, labels, eps=length * 0.9, norm=norm)


@pytest.mark.parametrize("excess", [1e-4, 1e-5])
def test_what_is_more_than_rounding_is_refused(excess):
    model, images = Coins(0.0), grey(0.9, 0.8)
    with pytest.raises(ValueError, match="from image number"):
        evaluate(model, lambda m, x, y: x - 0.1 * (1 + excess), images, torch.ones(2).long(), eps=0.1, norm="linf")


@pytest.mark.parametrize(("norm", "eps"), [("linf", 2 / 255), ("linf", 0.3), ("l2", 0.5), ("l1", 5.0), ("linf", 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_no_departure(norm, eps, dtype):
    model, images, labels = scene(8, dtype=dtype, channels=3, height=32, width=32)
    evaluate(model, partial(pgd, eps=eps, steps=4, norm=norm), images, labels, eps=eps, norm=norm)


def test_half_a_promise_and_bad_ones_are_refused():
    model, images, labels = scene()
    measure = partial(evaluate, model, still, images, labels)
    for given, message in (
        ({"eps": 0.1}, "norm is None where eps is given, expected both or neither"),
        ({"norm": "l2"}, "eps is None where norm is given, expected both or neither"),
        ({"eps": 0.1, "norm": "l3"}, "norm is 'l3', expected one of linf, l2, l1"),
        ({"eps": -0.1, "norm": "l2"}, "eps is -0.1, expected"),
    ):
        with pytest.raises(ValueError, match=message):
            measure(**given)


def test_results_that_rounding_took_out_of_the_box_are_put_back():
    model, images, labels = scene(dtype=torch.float32)
    report = evaluate(model, lambda m, x, y: 1.0000005 * x.clamp(0, 1) - 3e-7, images, labels)
    assert report.adversarial.min() >= 0 and report.adversarial.max() <= 1
    with pytest.raises(ValueError, match=r"the attack's result ranges over .*1.00001\], expected \[0, 1\]: clamp"):
        evaluate(model, lambda m, x, y: x * 1.00001, images, labels)


# -- models of any form


class Switched(nn.Module):
    """Only in eval mode is it the network."""

    def __init__(self):
        super().__init__()
        self.network = smooth_cnn()

    def forward(self, x):
        return self.network(x)


def frozen(model, images):
    return torch.jit.freeze(torch.jit.script(model))


FORMS = {
    "function": lambda model, images: lambda x: model(x),
    "method": lambda model, images: model.forward,
    "scripted": lambda model, images: torch.jit.script(model),
    "traced": lambda model, images: torch.jit.trace(model, images),
    "frozen": frozen,
    "fx": lambda model, images: torch.fx.symbolic_trace(model),
    "inside": lambda model, images: nn.Sequential(torch.jit.script(model)),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("form", FORMS)
def test_a_function_and_a_scripted_module_are_measured_as_the_module_is(form):
    model, images, labels = scene(5)
    other = FORMS[form](model, images)
    for attack in (partial(pgd, eps=0.05, steps=3), deepfool):
        ours, theirs = (evaluate(each, attack, images, labels, batch_size=3) for each in (model, other))
        for name, value in ours.numbers().items():
            if name != "seconds":
                assert getattr(theirs, name) == pytest.approx(value, abs=1e-9), name
        torch.testing.assert_close(theirs.adversarial, ours.adversarial, rtol=0, atol=1e-9)
    assert rho_adv(other, deepfool, images) == pytest.approx(rho_adv(model, deepfool, images))
    v = torch.full_like(images[0], 0.2)
    assert fooling_rate(other, v, images) == fooling_rate(model, v, images)


def test_an_exported_program_is_measured_in_the_mode_it_was_exported_in():
    model, images, labels = scene(5)
    exported = torch.export.export(model, (images,)).module()
    report = evaluate(exported, partial(pgd, eps=0.05, steps=2), images, labels)
    assert (report.clean_accuracy, report.forwards, report.backwards) == (1, 3, 2)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_scripted_module_is_put_in_eval_mode_and_back():
    model, images, _ = scene(5)
    labels = model(images).argmax(1)
    scripted = torch.jit.script(Switched().train())
    with unchanged(scripted):
        report = evaluate(scripted, partial(pgd, eps=0.05, steps=2), images, labels)
    assert report.clean_accuracy == 1 and not report.random and scripted.training and scripted.network.training


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("form", FORMS)
def test_passes_of_any_form_are_counted_and_modules_that_take_hooks_are_handed_out_themselves(form):
    model, images, _ = scene(5)
    other = FORMS[form](model, images)
    with counted(other) as (run, passes):
        x = images.clone().requires_grad_()
        run(x).sum().backward()
        run(x[:2].detach())
    assert (passes.forwards, passes.backwards) == (7, 5)
    assert (run is other) == (form in ("fx", "inside"))
    if run is not other:
        with (
            pytest.raises(ValueError, match="expected a module that takes hooks: core.running.counted"),
            count_passes(other),
        ):
            pass
    assert predict(other, images).shape == (5, 4)


def test_draws_by_place_do_not_depend_on_batches():
    model, images, labels = scene(7)
    attack = partial(square, eps=0.1, queries=20)
    whole = evaluate(model, attack, images, labels)
    assert torch.equal(evaluate(model, attack, images, labels, batch_size=2).adversarial, whole.adversarial)
    assert not torch.equal(attack(model, images[3:], labels[3:]), whole.adversarial[3:])
