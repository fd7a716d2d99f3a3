"""The benchmark of defenses, at a size at which it takes seconds."""

import pytest
import torch

from benchmarks import defenses
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
