"""The benchmark of the ring: what it counts, on planted runs and on a run of a moment."""

import pytest

from advcourse.gan.metrics import Coverage
from benchmarks import ring


def found(value: int, good: float) -> Coverage:
    return Coverage(value, 8, good, "planted", 100, (1,) * value + (0,) * (8 - value))


def test_a_row_counts_seeds_and_takes_medians():
    runs = [
        (found(8, 0.9), found(8, 0.8), 3.0),
        (found(3, 0.2), found(1, 0.1), 5.4),
        (found(8, 0.5), found(2, 0.4), 1.0),
    ]
    row = ["planted", "2 of 3", "1", "50% (20% to 90%)", "1 of 3", "2", "40% (10% to 80%)", "5"]
    assert ring.lines({"planted": runs}) == [row] and len(row) == len(ring.HEAD)


@pytest.mark.parametrize("name", ring.METHODS)
def test_every_method_plays(name, monkeypatch):
    monkeypatch.setattr(ring, "GAME", ring.GAME | {"steps": 6, "every": 3, "batch_size": 32, "width": 8})
    average, last, seconds = ring.played(ring.METHODS[name], 0)
    assert average.n_fake == last.n_fake == ring.SAMPLES and 0 <= last.good <= 1 and seconds > 0
    again = ring.played(ring.METHODS[name], 0)
    assert again[:2] == (average, last)
