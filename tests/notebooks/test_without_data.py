"""Lectures and assignments also run where no data set is at hand and no download succeeds: on scikit-learn's digits."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

from .tree import LECTURES, MASTERS, name

UNREACHABLE = "http://127.0.0.1:9"  # nothing listens on the discard port


@pytest.fixture
def nothing_at_hand(tmp_path):
    kept = {key: value for key, value in os.environ.items() if key != "ADVCOURSE_DATA" and "proxy" not in key.lower()}
    refused = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), UNREACHABLE)
    return kept | refused | {"ADVCOURSE_CACHE": str(tmp_path / "cache"), "TORCH_HOME": str(tmp_path / "torch")}


@pytest.mark.parametrize("path", LECTURES + MASTERS, ids=name)
def test_runs_on_the_digits_that_stand_in(path, nothing_at_hand):
    notebook = nbformat.read(path, as_version=4)
    before = {output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output}
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute(env=nothing_at_hand)
    printed = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert any("stand in for it" in text and text not in before for text in printed)
