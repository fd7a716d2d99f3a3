"""Curves of queries: what is drawn equals what was measured, and failures count."""

import numpy as np
import pytest
import torch

from advcourse import plots


def test_query_curve_counts_failures_in_the_share_and_never_lets_them_join():
    queries, fooled = torch.tensor([50, 10, 1000, 20]), torch.tensor([True, True, False, True])
    ax = plots.query_curve({"nes": (queries, fooled)}, budget=1000)
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(x, [1, 10, 20, 50, 1000])
    np.testing.assert_allclose(y, [0, 0.25, 0.5, 0.75, 0.75])
    assert ax.get_xscale() == "log" and ax.get_xlim() == (1, 1000)
    assert ax.get_xlabel() == "queries for an image" and ax.get_ylabel() == "share fooled"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["nes"]


def test_query_curve_where_nothing_was_fooled():
    ax = plots.query_curve({"none": (torch.tensor([9, 9]), torch.zeros(2, dtype=torch.bool))}, budget=10)
    assert set(ax.lines[0].get_ydata()) == {0.0}


def test_cosine_curve_draws_measurements_and_the_line_of_pairs():
    ax = plots.cosine_curve({"pairs": ([2, 50, 200], [0.001, 0.03, 0.11])}, size=784)
    np.testing.assert_allclose(ax.lines[0].get_data(), [[2, 50, 200], [0.001, 0.03, 0.11]])
    n, line = ax.lines[1].get_data()
    assert n[0] == pytest.approx(2) and n[-1] == pytest.approx(200)
    np.testing.assert_allclose(line, n / 2 / (n / 2 + 785), rtol=1e-5)
    assert ax.get_xscale() == "log" and ax.get_xlabel() and ax.get_ylabel()


def test_cosine_curve_without_a_size_has_no_line_and_refuses_none_at_all():
    assert len(plots.cosine_curve({"a": ([1, 2], [0, 1])}, xlabel="σ").lines) == 1
    with pytest.raises(ValueError, match="size"):
        plots.cosine_curve({"a": ([1, 2], [0, 1])}, size=0)


def test_cumulative_curve_is_the_share_no_larger():
    ax = plots.cumulative_curve({"a": torch.tensor([3.0, 1.0, 2.0, 4.0])}, xlabel="distance")
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(x[:4], [1, 2, 3, 4])
    np.testing.assert_allclose(y, [0.25, 0.5, 0.75, 1, 1])
    assert ax.get_xlabel() == "distance" and ax.get_ylabel() == "share of the queries"
