"""Singular values, side by side."""

import pytest
import torch
from numpy.testing import assert_allclose

from advcourse import plots


def test_values_fall_and_are_counted_from_one():
    ax = plots.spectrum({"mine": torch.tensor([1.0, 3.0, 2.0]), "chance": torch.ones(2)})
    assert_allclose(ax.lines[0].get_data(), [[1, 2, 3], [3, 2, 1]])
    assert_allclose(ax.lines[1].get_data(), [[1, 2], [1, 1]])
    assert ax.get_ylim()[0] == 0 and ax.get_xlabel() and ax.get_ylabel() == "singular value"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mine", "chance"]


def test_it_refuses_what_no_singular_values_are():
    for values in (torch.ones(2, 2), torch.tensor([1.0, -1.0]), torch.tensor([float("nan")])):
        with pytest.raises(ValueError, match=r"values\['mine'\] is .*expected"):
            plots.spectrum({"mine": values})
