"""Notebooks from top to bottom, on few images: with the data at hand, and where there is none and no download succeeds,
on scikit-learn's digits."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.notebooks import smaller

from .tree import LECTURES, MASTERS, name

UNREACHABLE = "http://127.0.0.1:9"  # nothing listens on the discard port


@pytest.fixture
def nothing_at_hand(tmp_path):
    kept = {key: value for key, value in os.environ.items() if key != "ADVCOURSE_DATA" and "proxy" not in key.lower()}
    refused = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), UNREACHABLE)
    return kept | refused | {"ADVCOURSE_CACHE": str(tmp_path / "cache"), "TORCH_HOME": str(tmp_path / "torch")}


def run(path, environment):
    """The notebook, run on few images, with its outputs."""
    notebook = nbformat.reads(smaller(path.read_text(encoding="utf-8")), as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute(env=environment)
    return notebook


def printed(notebook):
    return [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]


@pytest.mark.parametrize("path", LECTURES + MASTERS, ids=name)
def test_runs_on_the_digits_that_stand_in(path, nothing_at_hand):
    before = printed(nbformat.read(path, as_version=4))
    assert any("stand in for it" in text and text not in before for text in printed(run(path, nothing_at_hand)))


@pytest.mark.parametrize("path", MASTERS, ids=name)
def test_a_master_runs_on_what_is_at_hand(path):
    """Lectures are run so by nbval, at their own size."""
    assert run(path, dict(os.environ)).cells
