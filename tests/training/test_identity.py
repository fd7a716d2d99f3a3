"""A checkpoint belongs to one run: what makes another run is refused by name, what merely moves is not."""

import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, TensorDataset

from advcourse import attacks, structured, training
from advcourse.core.identity import digest
from advcourse.defenses import BitDepth
from tests.support.toys import pictures

IMAGES, LABELS = pictures(12).float(), torch.arange(12) % 3


def network(activation=nn.ReLU) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(96, 6), activation(), nn.Linear(6, 3))


def behind(defense: nn.Module) -> nn.Module:
    return nn.Sequential(defense, network())


def weighted_loss(model, images, labels, *, weight=1.0, kind="ce"):
    return weight * cross_entropy(model(images), labels)


def closing_over(weight, function=cross_entropy):
    return lambda model, images, labels: weight * function(model(images), labels)


class Weighted(nn.Module):
    def __init__(self, weight: float):
        super().__init__()
        self.weight = weight
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, model, images, labels):
        self.calls += 1
        return self.weight * cross_entropy(model(images), labels)


class Called:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, model, images, labels):
        return self.weight * cross_entropy(model(images), labels)

    def method(self, model, images, labels):
        return 2 * self(model, images, labels)


def adversarial(eps):
    def loss(model, images, labels):
        return training.standard_loss(model, attacks.pgd(model, images, labels, eps=eps, steps=1), labels)

    return loss


class Pairs(Dataset):
    def __init__(self, offset):
        self.offset = offset

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, i):
        return (IMAGES[i] + self.offset).clamp(0, 1), LABELS[i]


def fit(path, *, data=(IMAGES, LABELS), loss=training.standard_loss, model=None, epochs=1, **settings):
    training.fit(
        model or network(), data, loss, epochs=epochs, batch_size=4, checkpoint=path, progress=False, **settings
    )


OTHERS = {
    "an adversarial loss": ("loss", {}, {"loss": adversarial(0.1)}),
    "another eps": ("loss", {"loss": adversarial(0.1)}, {"loss": adversarial(0.2)}),
    "a setting of partial": (
        "loss",
        {"loss": partial(weighted_loss, weight=2)},
        {"loss": partial(weighted_loss, weight=3)},
    ),
    "a setting more": ("loss", {"loss": weighted_loss}, {"loss": partial(weighted_loss, kind="ce")}),
    "a closure's number": ("loss", {"loss": closing_over(2.0)}, {"loss": closing_over(3.0)}),
    "a closure's function": (
        "loss",
        {"loss": closing_over(2.0)},
        {"loss": closing_over(2.0, partial(cross_entropy, label_smoothing=0.1))},
    ),
    "a constant in the code": (
        "loss",
        {"loss": lambda m, x, y: 2 * cross_entropy(m(x), y)},
        {"loss": lambda m, x, y: 3 * cross_entropy(m(x), y)},
    ),
    "a module's setting": ("loss", {"loss": Weighted(2.0)}, {"loss": Weighted(3.0)}),
    "an object's setting": ("loss", {"loss": Called(2.0)}, {"loss": Called(3.0)}),
    "a method": ("loss", {"loss": Called(2.0)}, {"loss": Called(2.0).method}),
    "structured augmentation": (
        "loss",
        {"loss": structured.augmented()},
        {"loss": structured.augmented(partial(structured.flow_step, gamma=1.0, max_displacement=0.5))},
    ),
    "no augmentation": ("augment", {"augment": partial(training.random_crop, padding=1)}, {}),
    "another crop": (
        "augment",
        {"augment": partial(training.random_crop, padding=1)},
        {"augment": partial(training.random_crop, padding=2)},
    ),
    "another pixel": ("data", {}, {"data": (torch.cat([IMAGES[:-1], 1 - IMAGES[-1:]]), LABELS)}),
    "another label": ("data", {}, {"data": (IMAGES, LABELS.roll(1))}),
    "another order": ("data", {}, {"data": (IMAGES.flip(0), LABELS.flip(0))}),
    "tensors of a data set": (
        "data",
        {"data": TensorDataset(IMAGES, LABELS)},
        {"data": TensorDataset(IMAGES / 2, LABELS)},
    ),
    "a data set's setting": ("data", {"data": Pairs(0.0)}, {"data": Pairs(0.1)}),
    "another activation": ("model", {}, {"model": network(nn.Tanh)}),
    "a setting of a module within": ("model", {"model": behind(BitDepth(3))}, {"model": behind(BitDepth(4))}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_run_is_refused_by_what_differs(tmp_path, name):
    part, first, second = OTHERS[name]
    fit(tmp_path / "run.pt", **first)
    with pytest.raises(ValueError, match=rf"is of another run, of {part} .*, expected {part} .*: delete the file"):
        fit(tmp_path / "run.pt", **second)
    fit(tmp_path / "run.pt", resume=False, **second)


def counting():
    calls, seen = 0, []

    def loss(model, images, labels):
        nonlocal calls
        calls += 1
        seen.append(calls)
        return cross_entropy(model(images), labels)

    return loss


@pytest.mark.parametrize("make", [counting, partial(Weighted, 2.0), partial(adversarial, 0.1), partial(Called, 1.5)])
def test_what_moves_in_training_makes_no_other_run(tmp_path, make):
    """The cell is run again: the model, the counters and the buffers have moved; or everything is built anew."""
    loss, model = make(), network()
    fit(tmp_path / "run.pt", loss=loss, model=model)
    fit(tmp_path / "run.pt", loss=loss, model=model, epochs=2)
    fit(tmp_path / "run.pt", loss=make(), model=network(), epochs=3)


@pytest.mark.slow
def test_a_description_is_the_same_in_every_process():
    code = (
        "from advcourse.core import identity\nfrom tests.training.test_identity import *\n"
        "print(*map(identity.identify, (adversarial(0.1), Weighted(2.0), partial(weighted_loss, kind={'b', 'a'}))))"
    )
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(told) == 1 and "0x" not in told.pop()


def test_digests_see_values_shapes_and_dtypes_and_not_strides():
    x = torch.rand(3, 4)
    assert digest([x]) == digest([x.T.contiguous().T])
    others = [x.reshape(4, 3), x.double(), x + 1, x[:, :3], x.T]
    assert len({digest([each]) for each in [x, *others]}) == 6
    assert digest([x.bfloat16()]) != digest([x.half()])


def test_without_a_checkpoint_nothing_is_digested(monkeypatch):
    monkeypatch.setattr("advcourse.training._fit.digest_of_data", lambda data: pytest.fail("digested for nothing"))
    fit(None)
