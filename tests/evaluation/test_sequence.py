"""Runs of several attacks: who is shown what, what counts as fooled, what a checkpoint keeps."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from advcourse.attacks import pgd
from advcourse.core.streams import Streams
from advcourse.evaluation._sequence import Task, in_turn
from tests.support.refusals import refused
from tests.support.toys import Affine

LEVELS = torch.tensor([0.05, 0.15, 0.25, 0.35, 0.45, 0.9], dtype=torch.float64)


def brightness(n: int = 6) -> Task:
    """Images of one pixel: class 1 where it is brighter than a half. The last one's label is wrong."""
    model = Affine(torch.tensor([[0.0], [10.0]]).double(), torch.tensor([5.0, 0.0]).double())
    return Task(model, LEVELS[:n].view(-1, 1, 1, 1), torch.zeros(n, dtype=torch.int64), 0.5, "linf", torch.arange(n))


def brighter(model, images: Tensor, labels: Tensor, *, by: float, seen: list | None = None) -> Tensor:
    if seen is not None:
        seen.append(images.flatten().tolist())
    return (images + by).clamp(0, 1)


def ladder(seen=None):
    return {"weak": partial(brighter, by=0.1, seen=seen), "strong": partial(brighter, by=0.3, seen=seen)}


def test_what_is_fooled_or_misclassified_is_not_shown_to_the_next():
    seen = []
    found = in_turn(brightness(), ladder(seen))
    assert seen == [LEVELS[:5].tolist(), LEVELS[:4].tolist()]
    assert found.attacked.tolist() == [True] * 5 + [False]
    assert found.fooled_by.tolist() == [[False] * 4 + [True, False], [False, False, True, True, False, False]]
    assert torch.equal(found.tried, torch.tensor([[True] * 5 + [False], [True] * 4 + [False] * 2]))
    expected = LEVELS + torch.tensor([0, 0, 0.3, 0.3, 0.1, 0], dtype=torch.float64)
    torch.testing.assert_close(found.adversarial.flatten(), expected, rtol=0, atol=1e-12)


def test_everything_is_shown_to_everybody_and_what_one_finds_alone_is_counted():
    seen = []
    found = in_turn(brightness(), ladder(seen), everything=True)
    assert seen == [LEVELS[:5].tolist()] * 2
    assert found.fooled_by.sum(1).tolist() == [1, 3] and found.alone.sum(1).tolist() == [0, 2]
    assert found.adversarial.flatten()[4] == LEVELS[4] + 0.1  # the first that fooled


def test_what_leaves_the_ball_is_refused_but_where_distance_is_what_is_sought():
    task = replace(brightness(), eps=0.2)
    with refused(r"is 0.3 from image number \d in linf, expected at most 0.2"):
        in_turn(task, ladder())
    found = in_turn(task, ladder(), minimal=("strong",))
    assert found.fooled.tolist() == [False] * 4 + [True, False]


def test_batches_change_nothing():
    seen = []
    small, whole = (in_turn(replace(brightness(), batch_size=size), ladder(seen)) for size in (2, 256))
    assert [len(each) for each in seen] == [2, 2, 1, 2, 2, 5, 4]
    assert torch.equal(small.adversarial, whole.adversarial) and torch.equal(small.fooled_by, whole.fooled_by)


def noisy(model, images: Tensor, labels: Tensor, *, eps: float, seed: int = 0, indices: Tensor | None = None) -> Tensor:
    return (images + eps * Streams(seed, "noisy", images, indices).rand(*images.shape[1:])).clamp(0, 1)


def test_draws_follow_seed_and_place():
    task = replace(brightness(), batch_size=256)
    attack = {"noisy": partial(noisy, eps=0.5)}
    whole = in_turn(task, attack)
    assert torch.equal(in_turn(replace(task, batch_size=1), attack).adversarial, whole.adversarial)
    assert not torch.equal(in_turn(replace(task, seed=1), attack).adversarial, whole.adversarial)
    assert not torch.equal(in_turn(replace(task, indices=task.indices + 9), attack).adversarial, whole.adversarial)
    fixed = {"noisy": partial(noisy, eps=0.5, seed=3)}
    assert torch.equal(in_turn(task, fixed).adversarial, in_turn(replace(task, seed=7), fixed).adversarial)


class Stop(Exception):
    """What kills a run."""


@pytest.mark.parametrize("after", range(1, 7))
def test_a_killed_run_goes_on_where_it_was(tmp_path, after):
    task, asked = replace(brightness(), batch_size=1), []

    def attack(model, images, labels, *, by):
        if len(asked) == after and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            raise Stop
        asked.append(images.item())
        return brighter(model, images, labels, by=by)

    named = {"weak": partial(attack, by=0.1), "strong": partial(attack, by=0.3)}
    with pytest.raises(Stop):
        in_turn(task, named, checkpoint=tmp_path / "run.pt")
    found = in_turn(task, named, checkpoint=tmp_path / "run.pt")
    assert asked == [*LEVELS[:5].tolist(), *LEVELS[:4].tolist()]  # nobody twice, nobody left out
    plain = in_turn(task, ladder())
    assert torch.equal(found.fooled_by, plain.fooled_by) and torch.equal(found.adversarial, plain.adversarial)
    assert {name: (c.forwards, c.backwards) for name, c in found.costs.items()} == {
        name: (c.forwards, c.backwards) for name, c in plain.costs.items()
    }


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path):
    task, file = brightness(), tmp_path / "run.pt"
    in_turn(task, ladder(), checkpoint=file)
    others = {
        "model": (replace(task, model=Affine(torch.tensor([[0.0], [9.0]]).double(), task.model.bias.data)), ladder()),
        "images": (replace(task, images=task.images * 0.99), ladder()),
        "labels": (replace(task, labels=1 - task.labels), ladder()),
        "ball": (replace(task, eps=0.6), ladder()),
        "seed": (replace(task, seed=1), ladder()),
        "indices": (replace(task, indices=task.indices + 1), ladder()),
        "attacks": (task, {"weak": partial(brighter, by=0.2)}),
    }
    for part, (other, attacks) in others.items():
        with refused(f"checkpoint is of a run with other {part}, expected that of this run", part):
            in_turn(other, attacks, checkpoint=file)
    file.write_bytes(file.read_bytes()[:100])
    with refused("checkpoint is .*cannot be read.*expected"):
        in_turn(task, ladder(), checkpoint=file)


def test_a_smaller_ball_that_is_known_is_not_searched_again():
    task, seen = brightness(), []
    small = in_turn(replace(task, eps=0.1), {"weak": partial(brighter, by=0.1)})
    large = in_turn(task, {"strong": partial(brighter, by=0.3, seen=seen)}, known=small)
    assert seen == [LEVELS[:4].tolist()]
    assert large.fooled.tolist() == [False, False, True, True, True, False]


def test_passes_and_vanishing_gradients_are_counted():
    task = brightness()
    found = in_turn(task, {"pgd": partial(pgd, eps=0.3, steps=5)})
    cost = found.costs["pgd"]
    assert (cost.forwards, cost.backwards, cost.vanishing) == (6 * 5, 5 * 5, 0) and cost.seconds > 0


class Coin(torch.nn.Module):
    """Right in all draws, in most of them, in few or in none, by the image's brightness."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, x: Tensor) -> Tensor:
        right = torch.rand(len(x), generator=self.generator) >= x.flatten(1)[:, 0]
        return torch.stack([right, ~right], 1).double() + 0 * x.flatten(1)


def test_a_model_that_draws_is_judged_by_most_of_its_draws():
    images = torch.tensor([0.0, 0.1, 0.2]).double().view(-1, 1, 1, 1)
    task = Task(Coin(), images, torch.zeros(3, dtype=torch.int64), 1.0, "linf", torch.arange(3))
    found = in_turn(task, {"a little": partial(brighter, by=0.05), "a lot": partial(brighter, by=0.75)})
    assert found.random and found.draws == 10
    assert found.clean[0] == 1 and (found.clean > 0.5).all()
    assert found.fooled_by.tolist() == [[False] * 3, [True] * 3]
