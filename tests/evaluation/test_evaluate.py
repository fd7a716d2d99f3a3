"""The measurements against images whose distances and predictions are known."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from advcourse.attacks import fgsm, ifgsm, pgd
from advcourse.core.running import count_passes, evaluating, predict
from advcourse.evaluation import compare, evaluate, quantize, rho_adv
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Affine, pictures, smooth_cnn
from tests.support.traces import in_use, unchanged


def bright_or_dark():
    """Class 1 where the mean is above one half."""
    weight = torch.stack([torch.zeros(4), torch.ones(4)]).double()
    return Affine(weight, torch.tensor([0.0, -2.0], dtype=torch.float64))


def levels(*values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


def brighten(model, images, labels, targets=None):
    return (images + 0.2).clamp(0, 1)


IMAGES = levels(0.4, 0.1, 0.9, 0.45)
LABELS = torch.tensor([0, 0, 1, 1])  # the last one is misclassified


def test_a_report_by_hand():
    seen = []

    def attack(model, images, labels):
        seen.append(images.clone())
        return brighten(model, images, labels)

    report = evaluate(bright_or_dark(), attack, IMAGES, LABELS)
    assert torch.equal(torch.cat(seen), IMAGES[:3])  # the misclassified image is not attacked
    assert report.attacked.tolist() == [True, True, True, False]
    assert report.success.tolist() == [True, False, False, False]
    assert report.clean_accuracy == 0.75
    assert report.robust_accuracy == 0.5
    assert report.success_rate == pytest.approx(1 / 3)
    # Moves of 0.2, 0.2 and 0.1 on four pixels: the l2 norm of a constant image is twice its level.
    assert report.l2_per_image.tolist() == pytest.approx([0.4, 0.4, 0.2, 0])
    assert report.normalized_l2_per_image.tolist() == pytest.approx([0.2 / 0.4, 0.2 / 0.1, 0.1 / 0.9, 0])
    assert report.linf_per_image.tolist() == pytest.approx([0.2, 0.2, 0.1, 0])
    assert report.l2 == pytest.approx(1.0 / 3)
    assert report.normalized_l2 == pytest.approx((0.5 + 2 + 1 / 9) / 3)
    assert report.linf == pytest.approx(0.5 / 3)
    assert (report.forwards, report.backwards) == (0, 0)
    assert torch.equal(report.adversarial[3], IMAGES[3])
    assert report.seconds >= 0


def test_targets_are_passed_on_and_judged():
    model, targets = bright_or_dark(), torch.tensor([1, 1, 1, 1])
    seen = []

    def attack(model, images, labels, targets):
        seen.append(targets)
        return brighten(model, images, labels)

    report = evaluate(model, attack, IMAGES, LABELS, targets=targets)
    assert report.attacked.tolist() == [True, True, False, False]  # one is already of the target's class
    assert report.success.tolist() == [True, False, False, False]
    assert torch.cat(seen).tolist() == [1, 1]


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_batches_change_nothing(batch_size):
    model, images, labels = scene(7)
    attack = partial(ifgsm, step_size=0.02, steps=10)
    whole, split = (
        evaluate(model, attack, images, labels),
        evaluate(model, attack, images, labels, batch_size=batch_size),
    )
    torch.testing.assert_close(split.adversarial, whole.adversarial, rtol=0, atol=1e-9)
    for name in ("success_rate", "l2", "normalized_l2", "linf", "forwards", "robust_accuracy"):
        assert getattr(split, name) == pytest.approx(getattr(whole, name), abs=1e-9)


def test_the_model_is_evaluated_in_eval_mode_and_left_as_it_was():
    model, images, labels = scene(5)
    in_use(model, "mixed")
    inside = []

    def attack(model, images, labels):
        inside.append(any(module.training for module in model.modules()))
        return fgsm(model, images, labels, eps=0.1)

    with unchanged(model, images, labels):
        report = evaluate(model, attack, images, labels)
    assert inside == [False] and report.clean_accuracy == 1
    with unchanged(model), pytest.raises(ZeroDivisionError), evaluating(model):
        raise ZeroDivisionError


def test_nothing_correctly_classified_is_no_division_by_zero():
    model = bright_or_dark()
    report = evaluate(model, brighten, IMAGES[3:], LABELS[3:])
    assert report.clean_accuracy == report.robust_accuracy == 0
    assert report.success_rate != report.success_rate and report.forwards != report.forwards


def test_passes_are_rows():
    model, images = smooth_cnn(), pictures(5)
    with count_passes(model) as passes:
        x = images.requires_grad_()
        model(x).sum().backward()
        with torch.no_grad():
            model(x[:2])
    assert (passes.forwards, passes.backwards) == (7, 5)
    model(images)
    assert passes.forwards == 7  # counting ends with the block


def cotangents(images, classes=4):
    """One row of the identity per class, for every image: (classes, N, classes)."""
    return torch.eye(classes, dtype=images.dtype)[:, None].expand(-1, len(images), -1)


@pytest.mark.parametrize(
    ("differentiate", "forwards", "backwards"),
    [
        (lambda m, x: [torch.autograd.grad(z, x, retain_graph=True) for z in m(x.requires_grad_()).sum(0)], 5, 20),
        (lambda m, x: torch.autograd.grad(m(x.requires_grad_()), x, cotangents(x), is_grads_batched=True), 5, 20),
        (lambda m, x: torch.func.vmap(torch.func.vjp(m, x)[1])(cotangents(x)), 5, 20),
        (lambda m, x: torch.func.vmap(torch.func.jacrev(lambda image: m(image[None])[0]))(x), 5, 20),
        (lambda m, x: torch.func.vmap(torch.func.grad(lambda image: m(image[None]).sum()))(x), 5, 5),
        (lambda m, x: torch.func.vmap(lambda image: m(image[None]))(x), 5, 0),
    ],
    ids=["loop", "is_grads_batched", "vjp", "jacrev", "grad", "vmap"],
)
def test_a_cotangent_row_is_a_backward_pass_however_it_is_batched(differentiate, forwards, backwards):
    model, images = smooth_cnn(), pictures(5)
    with count_passes(model) as passes:
        differentiate(model, images)
    assert (passes.forwards, passes.backwards) == (forwards, backwards)


def test_fgsm_is_measured_at_one_pass_each_way():
    model, images, labels = scene(5)
    report = evaluate(model, partial(fgsm, eps=0.1), images, labels, batch_size=2)
    assert (report.forwards, report.backwards) == (1, 1)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (lambda m, x, y: x * 3, r"the attack's result ranges over .* expected \[0, 1\]"),
        (lambda m, x, y: x * torch.nan, "the attack's result holds NaN"),
        (lambda m, x, y: x[:, :, :1], "the attack's result is .*expected"),
    ],
)
def test_an_attack_that_breaks_its_contract_is_refused(attack, message):
    with pytest.raises(ValueError, match=message):
        evaluate(bright_or_dark(), attack, IMAGES, LABELS)


def test_a_black_image_has_no_normalised_distance():
    images = torch.cat([levels(0.0), IMAGES])
    report = evaluate(bright_or_dark(), brighten, images, torch.cat([torch.tensor([0]), LABELS]))
    assert report.attacked[0] and report.normalized_l2_per_image[0].isnan()
    assert report.normalized_l2 == pytest.approx((0.5 + 2 + 1 / 9) / 3)


def test_a_model_that_writes_into_its_input_leaves_the_callers_images():
    class InPlace(nn.Module):
        def forward(self, x):
            return x.sub_(0.5).flatten(1)

    images = IMAGES.clone()
    predict(InPlace(), images)
    assert torch.equal(images, IMAGES)


def test_bad_input_is_refused():
    model = bright_or_dark()
    with pytest.raises(ValueError, match="model is a str, expected a callable from images to logits"):
        evaluate("resnet", brighten, IMAGES, LABELS)
    with pytest.raises(ValueError, match="the attack's result is .*float32.*expected .*float64"):
        evaluate(model, lambda m, x, y: x.float(), IMAGES, LABELS)
    with pytest.raises(ValueError, match="batch_size is 0, expected at least 1"):
        evaluate(model, brighten, IMAGES, LABELS, batch_size=0)
    with pytest.raises(ValueError, match="labels holds 2, expected at most 1"):
        evaluate(model, brighten, IMAGES, LABELS + 1)
    with refused("attack is a int, expected a callable"):
        evaluate(model, 5, IMAGES, LABELS)


def test_batch_size_may_be_a_number_of_numpys():
    model, size = bright_or_dark(), np.int64(2)
    assert evaluate(model, brighten, IMAGES, LABELS, batch_size=size).robust_accuracy == 0.5
    assert compare(model, {"up": brighten}, IMAGES, LABELS, batch_size=size).loc["up", "robust_accuracy"] == 0.5
    assert rho_adv(model, brighten, IMAGES, batch_size=size) == rho_adv(model, brighten, IMAGES)


def test_compare_has_a_row_for_each_attack():
    attacks = {"up": brighten, "still": lambda model, images, labels: images}
    table = compare(bright_or_dark(), attacks, IMAGES, LABELS)
    assert list(table.index) == ["up", "still"] and table.index.name == "attack"
    assert table.success_rate.tolist() == pytest.approx([1 / 3, 0])
    assert table.loc["still", "robust_accuracy"] == 0.75
    assert "seconds" in table and "adversarial" not in table


def test_quantize_is_what_an_8_bit_file_keeps():
    from PIL import Image

    images = pictures(2, channels=3, dtype=torch.float32)
    kept = quantize(images)
    for image, back in zip(images, kept, strict=True):
        bytes_ = (image * 255).round().byte().permute(1, 2, 0).numpy()
        read = torch.from_numpy(np.asarray(Image.fromarray(bytes_)).copy()).permute(2, 0, 1) / 255
        torch.testing.assert_close(back, read)
    assert (kept - images).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(quantize(kept), kept)


def test_predict_keeps_no_graph_and_goes_in_batches():
    model = Recorder(nn.Flatten())
    logits = predict(model, pictures(7), batch_size=3)
    assert [len(x) for x in model.seen] == [3, 3, 1] and logits.shape == (7, 96) and not logits.requires_grad


# -- several attacks, several radii


def test_compare_adds_the_worst_case_image_by_image():
    model, images, labels = scene(8)
    wrong = labels.clone()
    wrong[0] = (labels[0] + 1) % 4

    def first_half(model, images, labels):
        return fgsm(model, images, labels, eps=0.3 if (labels == labels[0]).any() else 0.0)

    attacks = {"weak": partial(fgsm, eps=0.01), "strong": partial(pgd, eps=0.05, steps=3), "other": first_half}
    table = compare(model, attacks, images, wrong, worst_case=True)
    reports = [evaluate(model, attack, images, wrong) for attack in attacks.values()]
    kept = torch.stack([report.attacked & ~report.success for report in reports]).all(0)
    row = table.loc["worst case"]
    assert list(table.index) == [*attacks, "worst case"] and table.index.name == "attack"
    assert row["robust_accuracy"] == pytest.approx(kept.double().mean().item())
    assert row["success_rate"] == pytest.approx(1 - kept.sum().item() / 7) and row["clean_accuracy"] == 7 / 8
    assert row["forwards"] == table["forwards"][:3].sum() and math.isnan(row["l2"])
    assert row["robust_accuracy"] <= table["robust_accuracy"][:3].min()


def test_compare_runs_every_attack_that_takes_eps_at_every_radius():
    model, images, labels = scene(6)
    fixed = partial(fgsm, eps=0.02)
    table = compare(model, {"fgsm": fgsm, "fixed": fixed}, images, labels, eps=[0.01, 0.04], worst_case=True)
    assert table.index.names == ["attack", "eps"] and len(table) == 6
    for eps in (0.01, 0.04):
        assert table.loc[("fgsm", eps), "linf"] == pytest.approx(eps)
        assert table.loc[("fixed", eps), "linf"] == pytest.approx(0.02)
    with refused(r"the attack's result is 0.02 from image number \d in linf, expected at most 0.01"):
        compare(model, {"fixed": fixed}, images, labels, eps=[0.01, 0.04], norm="linf")
    for bad in ([], [0.2, 0.1], [0.1, 0.1], [-0.1]):
        with refused("eps.*expected", bad):
            compare(model, {"fgsm": fgsm}, images, labels, eps=bad)


@pytest.mark.parametrize("bad", [[fgsm], "fast", {}, None, fgsm])
def test_compare_takes_attacks_by_name(bad):
    with refused("attacks is .*, expected attacks by name", bad):
        compare(bright_or_dark(), bad, IMAGES, LABELS)
    with refused(r"attacks\['a'\] is a int, expected a callable"):
        compare(bright_or_dark(), {"a": 5}, IMAGES, LABELS)


def test_the_row_of_the_worst_case_is_no_attacks():
    named = {"worst case": brighten}
    with refused("attacks holds 'worst case', expected another name"):
        compare(bright_or_dark(), named, IMAGES, LABELS, worst_case=True)
    assert list(compare(bright_or_dark(), named, IMAGES, LABELS).index) == ["worst case"]
