"""A kernel's figures are looked at as it shows them, and the report fails where one has a fault or is missing."""

import base64
import json
import os
from pathlib import Path

import nbformat
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.support import watching

from .figure_report import main

STARTUP = Path(__file__).parent / "startup.py"
GOOD = "fig, ax = plt.subplots()\nax.plot([0, 1], label='a line');"
BAD = "_, ax = plt.subplots()\nax.plot([0, 1], label='a line')\nax.legend(loc='center');"
SAVED = "out = io.BytesIO()\nfig.savefig(out, format='png', bbox_inches='tight')\nfig.savefig(out, format='raw')"

FILM = "canvas = FigureCanvasAgg(fig)\ncanvas.draw()\npixels = canvas.buffer_rgba()"


def notebook(*sources):
    cells = [
        new_code_cell(
            "import io\nimport matplotlib.pyplot as plt\nfrom matplotlib.backends.backend_agg import FigureCanvasAgg"
        )
    ]
    for k, source in enumerate(sources, 1):
        cells += [new_code_cell(source), new_markdown_cell(f"**Figure {k}.** A line.")]
    return new_notebook(cells=cells)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A notebook with its outputs as a kernel that is watched left them, and the folder of the reports."""
    folder = tmp_path_factory.mktemp("figures")
    ran = notebook(GOOD, BAD, SAVED, FILM, "names = sorted(name for name in dir() if not name.startswith('_'))\nnames")
    watched = os.environ | {"PYTHONSTARTUP": str(STARTUP), "ADVCOURSE_FIGURES": str(folder)}
    NotebookClient(ran, timeout=120).execute(env=watched)
    return ran, folder


def stored(path, *cells):
    """A committed lecture with those cells, each with that number of figures."""
    made = notebook(*(source for source, _ in cells))
    picture = {"image/png": base64.b64encode(b"picture").decode(), "text/plain": "<Figure size 1x1 with 1 Axes>"}
    for cell, (_, number) in zip(made.cells[1::2], cells, strict=True):
        cell.outputs = [new_output("display_data", data=picture) for _ in range(number)]
    nbformat.write(made, path)
    return str(path)


def reports(folder, *lines, name="run"):
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps({"source": source, "problems": problems}) + "\n" for source, problems in lines)
    (folder / f"{name}.jsonl").write_text(text)
    return str(folder)


def test_a_kernel_reports_each_figure_that_it_shows_or_saves(run):
    (file,) = run[1].glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["source"] for line in lines] == [GOOD, BAD, SAVED, FILM]
    assert lines[0]["problems"] == lines[2]["problems"] == lines[3]["problems"] == []
    assert lines[1]["problems"] == ["the legend 'a line' lies over a line 'a line'"]


def test_a_kernel_that_is_watched_shows_what_it_would_and_holds_no_name_more(run):
    kinds = [set(output.data) for cell in run[0].cells for output in cell.get("outputs", [])]
    assert kinds == [{"image/png", "text/plain"}] * 2 + [{"text/plain"}]
    names = run[0].cells[-2].outputs[0].data["text/plain"]
    assert "'io'" in names and not {"watch", "sys", "Path"} & {name.strip("[' ],\n") for name in names.split(",")}


def test_the_report_names_lecture_figure_and_fault(run, tmp_path, capsys):
    nbformat.write(run[0], tmp_path / "03_lines.ipynb")
    assert main([str(run[1]), str(tmp_path / "03_lines.ipynb")]) == 1
    _, line, fault = capsys.readouterr().out.splitlines()
    assert line.split() == ["03_lines", "2", "4", "1"]
    assert fault == "03_lines, Figure 2: the legend 'a line' lies over a line 'a line'"


def test_figures_in_order_pass(tmp_path, capsys):
    lectures = [stored(tmp_path / "a.ipynb", (GOOD, 1)), stored(tmp_path / "b.ipynb", (BAD, 2))]
    folder = reports(tmp_path / "seen", (GOOD, []), name="1")
    reports(tmp_path / "seen", (BAD, []), (BAD, []), name="2")
    reports(tmp_path / "seen", name="a kernel that drew nothing")
    assert main([folder, *lectures]) == 0 and "Every figure is in order." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "a, Figure 1: 0 figures were looked at, expected 2"),
        ([(GOOD, [])], "a, Figure 1: 1 figures were looked at, expected 2"),
        ([(GOOD, []), (GOOD, []), (BAD, [])], "a, Figure 3: 0 figures were looked at, expected 1"),
        ([(GOOD, []), (GOOD, ["cut"]), (BAD, []), (SAVED, [])], "a, Figure 1: cut"),
        ([(GOOD, []), (GOOD, []), (BAD, []), (SAVED, []), ("x = 1", [])], "of no lecture that was named: "),
    ],
)
def test_what_is_wrong_fails(lines, told, tmp_path, capsys):
    path = stored(tmp_path / "a.ipynb", (GOOD, 2), (BAD, 1), (SAVED, 1))
    assert main([reports(tmp_path / "seen", *lines), path]) == 1
    assert told in capsys.readouterr().out


def test_two_runs_of_a_lecture_fail(tmp_path, capsys):
    path = stored(tmp_path / "a.ipynb", (GOOD, 1))
    for name in "12":
        folder = reports(tmp_path / "seen", (GOOD, []), name=name)
    assert main([folder, path]) == 1 and "2 runs have left reports, expected one" in capsys.readouterr().out


def test_a_figure_that_cannot_be_examined_is_a_fault_and_stops_nothing(monkeypatch):
    monkeypatch.setattr(watching, "problems", lambda *_, **__: 1 / 0)
    assert watching.looked_at(Figure().canvas, None, True) == [
        "the figure could not be examined: ZeroDivisionError('division by zero')"
    ]
