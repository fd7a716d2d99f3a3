"""The benchmark beside the old package: its tables, on planted figures, and the batch that both sides are given."""

import numpy as np

from benchmarks import nsl


def side(loss, moved, kl):
    rows = [f"{kind}, {norm}" for kind in nsl.MODELS for norm in nsl.NORMS]
    found = {row: nsl.shown(loss, loss / 2, np.array([moved]), [np.zeros(2), np.ones((1, 2))]) for row in rows}
    return found | {name: {"value": kl if name == "kl" else 0.5} for name in nsl.DISTANCES}


def test_a_difference_stands_in_its_row_and_column():
    text = nsl.tables(side(1.0, 0.25, 0.5), side(1.5, 0.75, 0.25))
    assert "| smooth, l1 | 1.000000 | 1.500000 | 0.500000 | 0.750000 | 5e-01 | 0e+00 |" in text
    assert "| l2 | 0.500000 | 0.500000 | 0e+00 |" in text and "| kl | 0.500000 | 0.250000 | 2e-01 |" in text
    assert text.count("\n|") == 2 * 2 + 6 + 5 - 1


def test_both_sides_are_given_the_same():
    for given in (nsl.batch, nsl.outputs):
        for first, second in zip(given(), given(), strict=True):
            assert np.array_equal(first, second)
    first, second, weights = nsl.outputs()
    np.testing.assert_allclose(first.sum(1), 1, rtol=1e-5)
    assert np.count_nonzero(weights == 0) == 1 and np.abs(first - second).max() > 0.1
