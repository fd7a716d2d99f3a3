"""``check_submission()`` in the editors that students use, each played by what it leaves in the process."""

import os
import subprocess
import sys
import time
import types

import nbformat
import pytest
from nbclient import NotebookClient

from advcourse.grading import cells, check_submission, matching, released, submission
from tests.grading import bank, damages, shapes

TITLE = f"{shapes.NAME}.ipynb"
FINE = f"✓ {TITLE} can be handed in: the grader finds all 4 exercises\n"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder, no editor, and a course of two small assignments."""
    outlines = {shapes.NAME: matching.outline(shapes.released()), shapes.OTHER: matching.outline(shapes.other())}
    (tmp_path / "m.json").write_text(released.written_manifest(outlines), encoding="utf-8")
    monkeypatch.setattr(released, "MANIFEST", tmp_path / "m.json")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(bank.ROOT))
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.setattr(submission, "_shell", lambda: None)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def saved(file, notebook=None, *, ago=0):
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(shapes.text(notebook or shapes.answered()))
    os.utime(file, (time.time() - ago,) * 2)
    return file


def called(capsys):
    assert check_submission() is None
    return capsys.readouterr().out


def shell(monkeypatch, *history, **names):
    manager = types.SimpleNamespace(input_hist_raw=["", *history])
    monkeypatch.setattr(submission, "_shell", lambda: types.SimpleNamespace(history_manager=manager, user_ns=names))


def colab(monkeypatch, answer):
    def blocking_request(name, timeout_sec=None):
        assert name == "get_ipynb" and timeout_sec
        return answer()

    message = types.ModuleType("google.colab._message")
    message.blocking_request = blocking_request
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setitem(sys.modules, "google.colab._message", message)


def test_jupyterlab_names_the_file(place, monkeypatch, capsys):
    saved(place / TITLE, shapes.released())
    there = saved(place.parent / "there" / TITLE, ago=600)
    monkeypatch.setenv("JPY_SESSION_NAME", str(there))
    out = called(capsys)
    assert out.startswith(f"Looked at {TITLE} as it was saved 10 minutes ago. What was typed since then is not in it")
    assert out.endswith(FINE)
    monkeypatch.setenv("JPY_SESSION_NAME", f"as/it/was/seen/by/the/server/{TITLE}")
    assert "4 of them still to be answered" in called(capsys)


def test_vs_code_names_the_file(place, monkeypatch, capsys):
    saved(place / TITLE, shapes.released())
    shell(monkeypatch, __vsc_ipynb_file__=str(saved(place.parent / "there" / TITLE)))
    assert called(capsys).endswith(FINE)


def test_elsewhere_the_newest_notebook_of_the_course_is_taken(place, monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", str(place / "renamed since the kernel was started.ipynb"))
    saved(place / TITLE, ago=9000)
    saved(place / f"{shapes.NAME} (1).ipynb", shapes.released(), ago=10_000)
    saved(place / "notes.ipynb", {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    out = called(capsys)
    assert "saved 2 hours ago" in out and out.endswith(FINE)


def test_what_was_run_and_not_saved_is_named(place, monkeypatch, capsys):
    notebook = shapes.answered()
    saved(place / TITLE, notebook)
    area, perimeter = (shapes.find(notebook, name)["source"] for name in ("area", "perimeter"))
    shell(monkeypatch, area + "\n", "area = 3", area + "  \n", perimeter, "print(area(1, 2))")
    assert "✗" not in called(capsys)
    shell(monkeypatch, area, perimeter.replace("2 *", "2.0 *"))
    out = called(capsys)
    assert "✗ perimeter was run here in another version than the one that is saved: save" in out and "✗ area" not in out


def test_what_is_wrong_is_said_as_by_the_command(place, capsys):
    notebook = shapes.answered()
    damages.merged_into_a_later_answer(notebook)
    saved(place / TITLE, notebook)
    assert "✗ cell 'area' is missing, and what defines it (number 6) is run after its test" in called(capsys)
    (place / TITLE).write_text("<html>")
    assert f"✗ {TITLE} is not a notebook file" in called(capsys)


def test_colab_hands_out_the_notebook_itself(place, monkeypatch, capsys):
    notebook = shapes.answered()
    colab(monkeypatch, lambda: {"ipynb": notebook})
    out = called(capsys)
    assert out.startswith("Looked at the notebook as it stands in this tab") and out.endswith(FINE)
    notebook["metadata"]["colab"] = {"name": f"Copy of {TITLE}"}
    for one in notebook["cells"]:
        one["metadata"]["id"] = one.pop("id")
    out = called(capsys)
    assert f"✗ hand the file in as {TITLE}: under the name Copy of {TITLE}" in out and "--repair" not in out


def refuses():
    raise TimeoutError("nobody answers")


@pytest.mark.parametrize("answer", [refuses, lambda: None, lambda: {"ipynb": None}, lambda: {"ipynb": {"cells": 7}}])
def test_where_colab_does_not_answer_the_file_is_taken(place, monkeypatch, capsys, answer):
    colab(monkeypatch, answer)
    out = called(capsys)
    assert out.startswith("This notebook's file was not found from here.") and len(out.splitlines()) == 1
    assert "python -m advcourse.grading check FILE" in out
    saved(place / TITLE)
    assert called(capsys).endswith(FINE)


def test_it_never_raises(place, monkeypatch, capsys):
    def odd(*_):
        raise RuntimeError("a place nobody has seen")

    saved(place / TITLE)
    monkeypatch.setattr(cells, "load", odd)
    out = called(capsys)
    assert out.splitlines()[-1].startswith(
        "This notebook could not be looked at (RuntimeError: a place nobody has seen)"
    )
    monkeypatch.setattr(submission, "_candidates", odd)
    assert len(called(capsys).splitlines()) == 1


def test_its_import_is_light():
    code = "import sys; from advcourse.grading import check_submission; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "nbgrader", "nbformat", "IPython"} & set(loaded)


def test_in_a_running_kernel(place, monkeypatch):
    """As the last cell of an assignment, through Jupyter's own kernel: text and no value."""
    notebook = bank.answered("a01_ifgsm")
    file = saved(place / "a01_ifgsm.ipynb", notebook)
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    notebook = cells.tidied(notebook | {"cells": notebook["cells"][-1:]})
    ran = NotebookClient(nbformat.from_dict(notebook), timeout=60, kernel_name="python3").execute()
    outputs = ran.cells[0].outputs
    assert {(output.output_type, output.get("name")) for output in outputs} == {("stream", "stdout")}
    text = "".join(output.text for output in outputs)
    assert text.startswith("Looked at a01_ifgsm.ipynb as it was saved")
    assert text.endswith("✓ a01_ifgsm.ipynb can be handed in: the grader finds all 8 exercises\n")
