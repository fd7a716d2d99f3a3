"""Notebooks from top to bottom, on few images, where no data are at hand and no download succeeds: on digits.

With data, nbval runs the lectures and nbgrader the assignments (tests/grading/test_bank.py).
"""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import missing
from tests.support.notebooks import STAND_IN, nothing_at_hand, smaller

from .tree import EXPLORERS, LECTURES, MASTERS, name

IN_THE_BROWSER = EXPLORERS if missing("browser") is None else {}  # where test_browser.py runs them so


def run(path, environment):
    """The notebook, run on few images, with its outputs."""
    notebook = nbformat.reads(smaller(path.read_text(encoding="utf-8")), as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute(env=environment)
    return notebook


def printed(notebook):
    return [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]


@pytest.mark.parametrize("path", [p for p in LECTURES + MASTERS if p.stem not in IN_THE_BROWSER], ids=name)
def test_runs_on_the_digits_that_stand_in(path, tmp_path):
    before = printed(nbformat.read(path, as_version=4))
    assert any(STAND_IN in text and text not in before for text in printed(run(path, nothing_at_hand(tmp_path))))
