"""Several models as one: its cross-entropy is -log of their weighted mean probability."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse.attacks import fgsm, ifgsm, pgd
from advcourse.core.running import is_fooled
from advcourse.evaluation import evaluate
from advcourse.wrappers import ensemble
from tests.support.toys import Affine, Constant, Shifted, pictures, smooth_cnn


def three():
    scaled = [Shifted(smooth_cnn(), scale=scale, shift=scale) for scale in (0.3, -0.5, 0.8)]
    return [model.eval() for model in scaled], [0.2, 0.5, 0.3]


def labelled():
    return pictures(5), torch.tensor([0, 1, 2, 3, 0])


def test_its_cross_entropy_and_gradient_are_those_of_the_formula():
    """Liu et al.'s -log sum_k alpha_k J_k(x)_y, not the cross-entropy of mean logits, nor the mean of the losses."""
    models, weights = three()
    images, labels = labelled()
    x = images.requires_grad_()
    logits = [model(x) for model in models]
    mixed = sum(weight * z.softmax(1) for weight, z in zip(weights, logits, strict=True))
    direct = -mixed.gather(1, labels[:, None])[:, 0].log()
    loss = F.cross_entropy(ensemble(models, weights)(x), labels, reduction="none")
    torch.testing.assert_close(loss, direct, rtol=1e-12, atol=0)
    (found,) = torch.autograd.grad(loss.sum(), x, retain_graph=True)
    (expected,) = torch.autograd.grad(direct.sum(), x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for other in (
        F.cross_entropy(sum(w * model(x) for w, model in zip(weights, models, strict=True)), labels, reduction="none"),
        sum(w * F.cross_entropy(model(x), labels, reduction="none") for w, model in zip(weights, models, strict=True)),
    ):
        assert (other - direct).abs().max() > 1e-3


def test_the_weights_are_equal_where_none_are_given():
    models, _ = three()
    images, _ = labelled()
    probabilities = torch.stack([model(images).softmax(1) for model in models]).mean(0)
    torch.testing.assert_close(ensemble(models)(images).exp(), probabilities)


@pytest.mark.parametrize("scale", [300.0, 3000.0])
def test_models_that_are_very_sure_still_have_a_gradient(scale):
    """Where the probabilities themselves are zero in floating point, their logarithm and its gradient are not."""
    models = [Shifted(smooth_cnn(dtype=torch.float32), scale=scale) for _ in range(2)]
    x = pictures(4, dtype=torch.float32).requires_grad_()
    labels = models[0](x).argmin(1)
    loss = F.cross_entropy(ensemble(models)(x), labels, reduction="none")
    assert loss.isfinite().all() and (loss > 100).all()
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    assert gradient.isfinite().all() and (gradient.abs().amax((1, 2, 3)) > 0).all()


def test_a_model_of_weight_zero_takes_no_part():
    models, _ = three()
    images, labels = labelled()
    x = images.requires_grad_()
    whole, alone = ensemble(models, [0.0, 1.0, 0.0])(x), models[1](x).log_softmax(1)
    torch.testing.assert_close(whole, alone)
    found, expected = (torch.autograd.grad(z.gather(1, labels[:, None]).sum(), x)[0] for z in (whole, alone))
    torch.testing.assert_close(found, expected)


def test_a_nan_of_one_model_is_no_success():
    images, labels = labelled()
    logits = ensemble([smooth_cnn(), Shifted(smooth_cnn(), scale=float("nan"))])(images)
    assert not is_fooled(logits, (labels + 1) % 4).any()


@pytest.mark.parametrize(
    "attack",
    [
        partial(fgsm, eps=0.1),
        partial(pgd, eps=0.1, steps=5),
        partial(ifgsm, step_size=0.02, steps=20),
    ],
)
def test_attacks_take_it_as_any_model(attack):
    models, weights = three()
    images = pictures(12)
    whole = ensemble(models, weights)
    labels = whole(images).argmax(1)
    report = evaluate(whole, attack, images, labels)
    assert report.clean_accuracy == 1 and report.success_rate >= 0.5
    goal = whole(images).argsort(1)[:, 2]
    before, after = (whole(x).gather(1, goal[:, None]) for x in (images, attack(whole, images, labels, targets=goal)))
    assert (after > before).all()


def test_one_model_is_itself():
    model, (images, labels) = smooth_cnn(), labelled()
    alone, whole = (pgd(f, images, labels, eps=0.1, steps=5) for f in (model, ensemble([model])))
    torch.testing.assert_close(whole, alone, rtol=0, atol=1e-9)


def test_it_keeps_the_mode_of_its_models():
    """Trap 10: a new module calls itself in training, and train() or eval() would reach into all."""
    models, _ = three()
    assert not any(module.training for module in ensemble(models).modules())
    models[1].train()
    whole = ensemble(models)
    assert [model.training for model in whole.models] == [False, True, False]
    images = pictures(5)
    evaluate(whole, partial(fgsm, eps=0.1), images, torch.zeros(5, dtype=torch.int64))
    assert [model.training for model in models] == [False, True, False]


def test_bad_input_is_refused_by_name():
    models, _ = three()
    for wrong in ([], models[0], [lambda x: x], "models", {"a": models[0]}):
        with pytest.raises(ValueError, match="models.*expected"):
            ensemble(wrong)
    for wrong in ([0.5, 0.5], [0.5, 0.6, 0.1], [1.5, -0.5, 0.0], [0.5, 0.5, float("nan")], 1.0, ["a", "b", "c"]):
        with pytest.raises(ValueError, match="weights.*expected"):
            ensemble(models, wrong)


def test_models_that_disagree_on_the_classes_are_refused():
    images = pictures(2)
    with pytest.raises(ValueError, match=r"models return \[\(2, 4\), \(2, 3\)\], expected logits of one shape"):
        ensemble([smooth_cnn(), Constant(3)])(images)
    assert ensemble([smooth_cnn(), Affine(torch.zeros(4, 96).double())])(images).shape == (2, 4)
    assert isinstance(ensemble([smooth_cnn()]), nn.Module)
