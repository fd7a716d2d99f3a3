"""The benchmark of image quilting, at a size at which it takes a second."""

import numpy as np
import pytest
import torch

from benchmarks import quilting
from tests.support.toys import pictures


@pytest.fixture
def cifar(monkeypatch):
    """Random images in the place of CIFAR's."""
    real = quilting.data.load

    def load(name, split="test", n=None):
        return (pictures(min(n, 20), 3, 32, 32, dtype=torch.float32),) if name == "cifar10" else real(name, split, n)

    monkeypatch.setattr(quilting.data, "load", load)


def test_every_search_is_asked_and_finds_the_nearest(cifar):
    patches, queries = quilting.database(400, images=10), quilting.database(30, images=3)
    found = quilting.searches(patches, queries, few=10, jobs=1, clock="processor")
    assert [one.name.split(",")[0] for one in found] == ["advcourse", "scikit-learn", "scikit-learn", "scipy"]
    assert all(one.thousand > 0 and one.excess < 1e-6 for one in found)


def test_what_is_farther_is_seen():
    held, queries = np.linspace(0, 1, 40)[:, None], np.array([[0.0]])
    assert quilting.excess(queries, held, held[None, :10]) == 0
    assert quilting.excess(queries, held, held[None, 1:11]) == pytest.approx((10**2 - 9**2) / 39**2)


def test_the_tables(cifar):
    text = quilting.tables("processor", 1, 3, 200, 20, 10, (16, 32), (50, 200))
    assert "| 16 x 16 | 64 | 25 | 50 |" in text and "| 32 x 32 | 16 | 100 | 200 |" in text
    assert "3 CIFAR images, 200 patches of 5 pixels" in text and "| yes |" in text and "scipy, cKDTree" in text


def test_the_target_is_missed_by_what_takes_longer(cifar, monkeypatch):
    monkeypatch.setattr(quilting, "seconds", lambda *_: 15.1)
    assert not quilting.target(1, 20, "wall")[0].reached
    monkeypatch.setattr(quilting, "seconds", lambda *_: 14.9)
    assert quilting.target(1, 20, "wall")[0].reached
