"""The benchmark of defenses, at a size at which it takes seconds."""

import pytest
import torch

from benchmarks import defenses, transform_peers
from tests.support.toys import pictures


class Fickle(torch.nn.Module):
    """Black for the images whose draw is below one half."""

    def forward(self, images, generator=None):
        drawn = torch.rand(len(images), generator=generator)
        return images * (drawn >= 0.5)[:, None, None, None]


def test_a_model_that_draws_is_judged_by_the_mean_of_its_draws():
    images, labels = pictures(40, 3, 4, 4, dtype=torch.float32), torch.ones(40, dtype=torch.int64)
    network = lambda x: torch.stack([-x.sum((1, 2, 3)) + 1, x.sum((1, 2, 3))], 1)  # noqa: E731
    one = defenses.accuracy(Fickle(), network, images, labels, 1)
    many = defenses.accuracy(Fickle(), network, images, labels, 50)
    assert abs(many - 0.5) < 0.05 and one != many
    assert defenses.accuracy(Fickle(), network, images, labels, 50) == many  # and by the same every time


def test_a_row_has_what_its_head_says():
    one = defenses.Judged(0.9, 0.8, 0.5, [0.25, 0.0], None, 1.234)
    assert defenses.lines({"blur": one}) == [["blur", "90%", "80%", "50%", "25%", "0%", "", "1.2"]]
    assert len(defenses.head([10, 40])) == len(defenses.lines({"blur": one})[0])


@pytest.mark.slow
def test_every_defense_is_built_and_attacked(monkeypatch):
    monkeypatch.setattr(defenses, "PATCHES", 200)
    for name in defenses.METHODS:
        found = defenses.judged(name, 2, [1], 2, False)
        assert len(found.aware) == 1 and found.autoattack is None and found.milliseconds >= 0
        assert all(0 <= share <= 1 for share in (found.clean, found.signs, found.unaware, *found.aware))
        if defenses.METHODS[name].draws == 1:
            assert found.aware[0] <= found.clean


def test_draws_of_a_step_are_those_asked_for(monkeypatch):
    asked, network = [], torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2))
    method = defenses.Method(lambda: (Fickle(), Fickle()), 8)
    monkeypatch.setitem(defenses.METHODS, "fickle", method)
    images, labels = pictures(4, 3, 4, 4, dtype=torch.float32), torch.ones(4, dtype=torch.int64)
    monkeypatch.setattr(defenses, "right_ones", lambda count: (network, images[:count], labels[:count]))
    real = defenses.eot
    monkeypatch.setattr(
        defenses, "eot", lambda f, seen, draws, **more: asked.append(draws) or real(f, seen, draws, **more)
    )
    found = defenses.over_draws("fickle", 4, 2, [1, 3], 5)
    assert found[0] == "fickle" and len(found) == 3 and asked == [1, 3]
    defenses.attacked("fickle", network, images, labels, 2)
    assert asked == [1, 3, 8]


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_a_peer_that_differs_is_seen(monkeypatch, shift):
    images, labels = torch.full((4, 3, 4, 4), 0.5), torch.ones(4, dtype=torch.int64)
    network = lambda x: torch.stack([x.mean((1, 2, 3)) - 0.52, 0 * x[:, 0, 0, 0]], 1)  # noqa: E731
    monkeypatch.setitem(defenses.METHODS, "same", defenses.Method(lambda: (lambda x, generator: x, None)))
    monkeypatch.setitem(transform_peers.PEERS, "same", lambda x: x + shift)
    ours, theirs = transform_peers.rows("same", network, images, labels, images + 0.05, rounds=1)
    assert ours[:2] == ["same", "advcourse"] and ours[3:] == ["1.0", "0.00", "100%", "0%"]
    assert theirs[4:] == [f"{255 * shift:.2f}", "100%" if shift == 0 else "0%", "0%"]
    assert len(ours) == len(transform_peers.HEAD) and transform_peers.PEERS.keys() <= defenses.METHODS.keys()
