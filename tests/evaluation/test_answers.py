"""What a model may answer: everything that measures or trains refuses the rest by name, in one wording."""

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import nn

from advcourse import training
from advcourse.attacks import fgsm, ifgsm, pgd
from advcourse.core.running import predict
from advcourse.evaluation import (
    compare,
    evaluate,
    fooling_rate,
    known_to_all,
    leave_one_out,
    outcomes,
    rho_adv,
    transfer_matrix,
)
from advcourse.plots import decision_regions
from advcourse.training import accuracy, fit
from advcourse.wrappers import ensemble, logits_from
from tests.support.toys import pictures, smooth_cnn

IMAGES, LABELS = pictures(6).float(), torch.arange(6) % 4
attack = partial(fgsm, eps=0.1)


class Answering(nn.Module):
    """What ``say`` makes of an ordinary network's logits."""

    def __init__(self, say):
        super().__init__()
        self.network, self.say = smooth_cnn(dtype=torch.float32), say

    def forward(self, x):
        return self.say(self.network(x))


@dataclass
class Output:
    logits: torch.Tensor
    loss: None = None


SAYING = {
    "tuple": (
        lambda z: (z, z.sum()),
        r"model returned tuple, expected .*logits_from\(model, lambda answer: answer\[0\]\)",
    ),
    "tuple with more before": (lambda z: ("cat", z), r"tuple, expected .*answer\[1\]"),
    "dict": (lambda z: {"loss": None, "logits": z}, r"model returned dict, expected .*answer\['logits'\]"),
    "dict by another name": (lambda z: {"out": z}, r"dict, expected .*answer\['out'\]"),
    "dataclass": (Output, r"model returned Output, expected .*lambda answer: answer.logits"),
    "nothing": (lambda z: None, "model returned NoneType, expected logits"),
    "array": (lambda z: z.detach().numpy(), "model returned ndarray, expected logits"),
    "one column": (lambda z: z[:, :1], "of at least 2 classes: one column z becomes two by"),
    "flat": (lambda z: z[:, 0], r"model returned \(\d+,\), expected logits \(\d+, classes\)"),
    "maps": (lambda z: z[:, :, None, None], r"expected logits \(\d+, classes\): flatten\(1\) them"),
    "another number": (lambda z: z[:-1], r"model returned \(\d+, 4\), expected logits"),
    "whole numbers": (lambda z: z.long(), "model returned torch.int64, expected floating-point logits"),
}

USERS = {
    "predict": lambda model: predict(model, IMAGES),
    "evaluate": lambda model: evaluate(model, attack, IMAGES, LABELS),
    "compare": lambda model: compare(model, {"fgsm": attack}, IMAGES, LABELS),
    "rho_adv": lambda model: rho_adv(model, attack, IMAGES),
    "outcomes": lambda model: outcomes(model, IMAGES, 0, 1),
    "known_to_all": lambda model: known_to_all({"one": model}, IMAGES, LABELS),
    "transfer_matrix": lambda model: transfer_matrix({"one": model, "two": model}, attack, IMAGES, LABELS),
    "leave_one_out": lambda model: leave_one_out({"one": model, "two": model}, attack, IMAGES, LABELS),
    "fooling_rate": lambda model: fooling_rate(model, torch.zeros_like(IMAGES[0]), IMAGES),
    "accuracy": lambda model: accuracy(model, IMAGES, LABELS),
    "fit": lambda model: fit(model, (IMAGES, LABELS), epochs=1, progress=False),
    "fgsm": lambda model: attack(model, IMAGES, LABELS),
    "ifgsm": lambda model: ifgsm(model, IMAGES, LABELS, step_size=0.01, steps=2),
    "ensemble": lambda model: ensemble([model, model])(IMAGES),
    "decision_regions": lambda model: decision_regions({"one": model}, IMAGES[0], 0, points=2),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("saying", SAYING)
def test_what_is_no_logits_is_refused_by_name(user, saying):
    say, message = SAYING[saying]
    with pytest.raises(ValueError, match=message):
        USERS[user](Answering(say))


@pytest.mark.parametrize(
    ("say", "pick"),
    [
        (lambda z: (z, 1), lambda answer: answer[0]),
        (lambda z: {"logits": z}, lambda a: a["logits"]),
        (Output, lambda a: a.logits),
    ],
)
def test_the_wrapper_that_the_message_names_serves(say, pick):
    model, plain = logits_from(Answering(say), pick), smooth_cnn(dtype=torch.float32)
    assert torch.equal(predict(model, IMAGES), predict(plain, IMAGES))
    ours, theirs = (evaluate(each, attack, IMAGES, LABELS) for each in (model, plain))
    assert torch.equal(ours.adversarial, theirs.adversarial) and ours.numbers() | {"seconds": 0} == theirs.numbers() | {
        "seconds": 0
    }
    for bad in ((3, pick), (model, "logits")):
        with pytest.raises(ValueError, match="expected a callable"):
            logits_from(*bad)


def test_nan_is_no_class():
    """argmax takes NaN for the largest: class 0 would be right wherever all logits are NaN."""
    model = Answering(lambda z: z * torch.nan)
    zeros = torch.zeros_like(LABELS)
    assert accuracy(model, IMAGES, zeros) == 0
    report = evaluate(model, attack, IMAGES, zeros)
    assert report.clean_accuracy == report.robust_accuracy == 0 and not report.attacked.any()
    assert outcomes(model, IMAGES, 0, None) == (0, 1, 0)
    assert not known_to_all({"one": model}, IMAGES, zeros).any()
    assert fooling_rate(model, torch.zeros_like(IMAGES[0]), IMAGES) == 0


@pytest.mark.parametrize(
    "labels",
    [LABELS[:, None], LABELS[:-1], LABELS.repeat(2), LABELS.float(), LABELS.int(), LABELS - 1, LABELS + 9, [0] * 6],
    ids=["column", "fewer", "more", "float", "int32", "negative", "too large", "list"],
)
def test_bad_labels_are_refused(labels):
    model = smooth_cnn(dtype=torch.float32)
    for measure in (partial(evaluate, model, attack), partial(accuracy, model)):
        with pytest.raises(ValueError, match="labels .*expected"):
            measure(IMAGES, labels)


def test_labels_of_another_shape_are_refused_in_training():
    for labels in (LABELS[:, None], LABELS[:-1]):
        with pytest.raises(ValueError, match="labels.*expected"):
            fit(smooth_cnn(dtype=torch.float32), (IMAGES, labels), epochs=1, progress=False)


def test_no_images_are_refused():
    model = smooth_cnn(dtype=torch.float32)
    for user in (partial(accuracy, model), partial(evaluate, model, attack)):
        with pytest.raises(ValueError, match="images .*expected"):
            user(IMAGES[:0], LABELS[:0])
    with pytest.raises(ValueError, match="images is a list, expected"):
        accuracy(model, [1, 2], LABELS)


def test_a_module_without_parameters_is_measured_and_not_trained():
    class Bright(nn.Module):
        def forward(self, x):
            mean = x.mean((1, 2, 3))
            return torch.stack([mean, 0.5 - mean], 1)

    labels = Bright()(IMAGES).argmax(1)
    assert accuracy(Bright(), IMAGES, labels) == 1
    assert evaluate(Bright(), attack, IMAGES, labels).clean_accuracy == 1
    with pytest.raises(ValueError, match="model has no parameters, expected some to train"):
        fit(Bright(), (IMAGES, labels), epochs=1, progress=False)


# -- gradients that do not exist, or vanish


def without_graph(x):
    with torch.no_grad():
        return smooth_cnn(dtype=torch.float32)(x)


class Compressed(nn.Module):
    """A defense that leaves torch for NumPy, as JPEG does."""

    def __init__(self, network=None):
        super().__init__()
        self.network = network or smooth_cnn(dtype=torch.float32)

    def forward(self, x):
        return self.network(torch.from_numpy(x.detach().numpy().round(1)))


class Rounded(nn.Module):
    """Rounding has a gradient, which is zero."""

    def __init__(self):
        super().__init__()
        self.network = smooth_cnn(dtype=torch.float32)

    def forward(self, x):
        return self.network((8 * x).round() / 8)


def test_rounding_is_counted_and_said_once_for_all_batches():
    model = Rounded()
    labels = predict(model, IMAGES).argmax(1)
    with pytest.warns(UserWarning, match="the gradient is zero or not finite at 6 of 6 attacked images") as said:
        report = evaluate(model, partial(pgd, eps=0.1, steps=3), IMAGES, labels, batch_size=2)
    assert report.vanishing == 6 and report.robust_accuracy == 1 and len(said) == 1


@pytest.mark.parametrize("factor", [torch.nan, torch.inf])
def test_gradients_that_are_not_finite_are_counted_and_said(factor):
    """Of one pixel in two of the images; the logits are finite."""

    class Spoiled(nn.Module):
        def __init__(self):
            super().__init__()
            self.network, self.bright = smooth_cnn(dtype=torch.float32), IMAGES.mean((1, 2, 3)).topk(2).values[1]

        def forward(self, x):
            x = x.clone()
            if x.requires_grad:
                spoilt = torch.zeros_like(x)
                spoilt[x.mean((1, 2, 3)) >= self.bright, 0, 0, 0] = 1
                x.register_hook(lambda gradient: torch.where(spoilt > 0, factor, gradient))
            return self.network(x)

    model = Spoiled()
    labels = predict(model, IMAGES).argmax(1)
    with pytest.warns(UserWarning, match="the gradient is zero or not finite at 2 of 6 attacked images") as said:
        report = evaluate(model, partial(pgd, eps=0.01, steps=1), IMAGES, labels, batch_size=2)
    assert report.vanishing == 2 and len(said) == 1


def test_a_few_images_without_a_gradient_are_counted(recwarn):
    class Partly(Rounded):
        def forward(self, x):
            dark = (x.mean((1, 2, 3), keepdim=True) < IMAGES.mean((1, 2, 3)).median()).to(x.dtype)
            return self.network(dark * (8 * x).round() / 8 + (1 - dark) * x)

    model = Partly()
    labels = predict(model, IMAGES).argmax(1)
    report = evaluate(model, partial(pgd, eps=0.01, steps=1), IMAGES, labels)
    assert 0 < report.vanishing < 6 and len(recwarn) == 1
    whole = evaluate(smooth_cnn(dtype=torch.float32), attack, IMAGES, LABELS)
    assert whole.vanishing == 0 and len(recwarn) == 1
    assert "vanishing" not in whole.numbers()


@pytest.mark.parametrize(
    "model", [Answering(torch.Tensor.detach), Compressed(), Compressed(nn.Sequential(nn.Flatten(), nn.Linear(96, 4)))]
)
def test_no_graph_is_an_error_of_evaluate_too(model):
    labels = predict(model, IMAGES).argmax(1)
    with pytest.raises(ValueError, match="without a graph to the images, expected differentiable ones"):
        evaluate(model, attack, IMAGES, labels)
    assert evaluate(model, lambda model, images, labels: 1 - images, IMAGES, labels).clean_accuracy == 1


def test_standard_training_asks_for_logits_alone():
    """Losses of one's own may take other answers and soft labels."""
    model = Answering(lambda z: (z, z.sum()))
    soft = torch.rand(6, 4).softmax(1)
    fit(
        model,
        (IMAGES, soft),
        lambda m, x, y: nn.functional.cross_entropy(m(x)[0], y),
        epochs=1,
        progress=False,
    )
    assert training.standard_loss(smooth_cnn(dtype=torch.float32), IMAGES, LABELS).dim() == 0
