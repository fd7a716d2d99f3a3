"""The tables of source against target: every cell counted by hand."""

from functools import partial

import pytest
import torch

from advcourse.attacks import fgsm, pgd
from advcourse.evaluation import known_to_all, leave_one_out, rmsd, transfer_matrix
from advcourse.wrappers import ensemble
from tests.support.scenes import seeded
from tests.support.toys import Shifted, pictures, smooth_cnn
from tests.support.traces import in_use, unchanged


def other_cnn(seed):
    """A network as ``smooth_cnn`` with its last layer turned a little: related, not equal."""
    model = smooth_cnn()
    noise = torch.randn(model[-1].weight.shape, generator=seeded(seed)).double()
    model[-1].weight.data.add_(0.1 * noise)
    return model


@pytest.fixture
def scene():
    models = {"a": smooth_cnn(), "b": other_cnn(1), "c": other_cnn(2)}
    images = pictures(30)
    labels = models["a"](images).argmax(1)
    labels[:3] = (labels[:3] + 1) % 4  # a is wrong on these
    return models, images, labels


def test_rmsd_is_in_pixel_levels_whatever_the_size():
    images = torch.full((2, 3, 4, 5), 0.5)
    moved = images.clone()
    moved[0] += 2 / 255
    moved[1, 0, 0, 0] += 10 / 255  # one of 60 pixels by ten levels
    torch.testing.assert_close(rmsd(moved, images), torch.tensor([2.0, (100 / 60) ** 0.5]), rtol=1e-5, atol=0)
    assert rmsd(torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)).item() == pytest.approx(255)
    with pytest.raises(ValueError, match="adversarial.*expected"):
        rmsd(images[:1], images)


def test_only_images_that_every_model_classifies_correctly_take_part(scene):
    models, images, labels = scene
    kept = known_to_all(models, images, labels)
    by_hand = [all(m(x[None]).argmax() == y for m in models.values()) for x, y in zip(images, labels, strict=True)]
    assert kept.tolist() == by_hand and not kept[:3].any() and 5 <= kept.sum() < 27
    seen = []

    def attack(model, images, labels):
        seen.append(images)
        return images

    table = transfer_matrix(models, attack, images, labels)
    assert (table[list(models)] == 1).all().all() and (table["RMSD"] == 0).all()
    assert all(torch.equal(x, images[kept]) for x in seen) and len(seen) == 3
    assert table.attrs["images"] == kept.sum()


def test_a_cell_is_the_accuracy_of_the_column_on_the_images_of_the_row(scene):
    models, images, labels = scene
    attack = partial(pgd, eps=0.05, steps=5)
    table = transfer_matrix(models, attack, images, labels)
    assert list(table.index) == ["a", "b", "c"] and list(table.columns) == ["RMSD", "a", "b", "c"]
    kept = known_to_all(models, images, labels)
    x, y = images[kept], labels[kept]
    for row, source in models.items():
        found = attack(source, x, y)
        assert table.loc[row, "RMSD"] == pytest.approx(rmsd(found, x).mean().item())
        for column, target in models.items():
            assert table.loc[row, column] == (target(found).argmax(1) == y).double().mean()
    cells = table[["a", "b", "c"]].to_numpy()
    assert (cells != cells.T).any()  # rows and columns are not interchangeable


def test_leave_one_out_attacks_the_ensemble_of_the_others(scene):
    models, images, labels = scene
    attack = partial(pgd, eps=0.05, steps=5)
    table = leave_one_out(models, attack, images, labels)
    assert list(table.index) == ["-a", "-b", "-c"] and list(table.columns) == ["RMSD", "a", "b", "c"]
    kept = known_to_all(models, images, labels)
    x, y = images[kept], labels[kept]
    for left_out in models:
        found = attack(ensemble([model for name, model in models.items() if name != left_out]), x, y)
        for column, target in models.items():
            assert table.loc[f"-{left_out}", column] == (target(found).argmax(1) == y).double().mean()


@pytest.mark.parametrize("kind", [transfer_matrix, leave_one_out])
def test_with_targets_a_cell_is_the_matching_rate(scene, kind):
    models, images, labels = scene
    targets = (labels + 1) % 4
    attack = partial(pgd, eps=0.3, steps=10)
    table = kind(models, attack, images, labels, targets=targets)
    kept = known_to_all(models, images, labels)
    x, y, goal = images[kept], labels[kept], targets[kept]
    first = next(iter(models))
    source = models[first] if kind is transfer_matrix else ensemble([models["b"], models["c"]])
    found = attack(source, x, y, targets=goal)
    row = table.iloc[0]
    for column, target in models.items():
        assert row[column] == (target(found).argmax(1) == goal).double().mean()
    assert row["b"] > 0 and (row[["a", "b", "c"]] != (1 - row[["a", "b", "c"]])).any()


class Breaks(torch.nn.Module):
    """Class 0, and for bright images a NaN for class 1."""

    def forward(self, images):
        logits = images.new_tensor([2.0, 1.0, 0.0]).expand(len(images), -1)
        bright = images.mean((1, 2, 3)) > 0.9
        return torch.where(bright[:, None] & (torch.arange(3) == 1), torch.nan, logits)


def test_nan_logits_match_no_target():
    """Trap: argmax takes a NaN for the largest logit."""
    models, images, labels = {"a": Breaks(), "b": Breaks()}, pictures(4), torch.zeros(4, dtype=torch.int64)

    def whiten(model, images, labels, targets):
        return torch.ones_like(images)

    assert not transfer_matrix(models, whiten, images, labels, targets=labels + 1)[["a", "b"]].any(axis=None)


def test_one_and_the_same_model_transfers_to_itself():
    models = {"once": smooth_cnn(), "again": Shifted(smooth_cnn(), scale=1.0).eval()}
    images = pictures(12)
    labels = models["once"](images).argmax(1)
    table = transfer_matrix(models, partial(fgsm, eps=0.1), images, labels)
    assert (table["once"] == table["again"]).all() and (table.iloc[0] == table.iloc[1]).all()


def test_modes_stay(scene):
    models, images, labels = scene
    in_use(models["b"], "mixed")
    with unchanged(models["b"]), unchanged(models["a"]):
        leave_one_out(models, partial(fgsm, eps=0.1), images, labels)


def test_bad_input_is_refused_by_name(scene):
    models, images, labels = scene
    attack = partial(fgsm, eps=0.1)
    with pytest.raises(ValueError, match="images.*classifies correctly"):
        transfer_matrix(models, attack, images[:3], labels[:3])
    with pytest.raises(ValueError, match="models holds 1 models, expected at least 2"):
        leave_one_out({"a": models["a"]}, attack, images, labels)
    with pytest.raises(ValueError, match="models.*expected"):
        transfer_matrix({"a": 3}, attack, images, labels)
    for table in (transfer_matrix, leave_one_out):
        with pytest.raises(ValueError, match="models is a list, expected .* by name"):
            table(list(models.values()), attack, images, labels)
    with pytest.raises(ValueError, match="targets.*expected"):
        transfer_matrix(models, attack, images, labels, targets=labels)
    with pytest.raises(ValueError, match="labels.*expected"):
        transfer_matrix(models, attack, images, labels[:2])
