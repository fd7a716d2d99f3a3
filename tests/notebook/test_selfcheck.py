"""Every row of the self-check can go red, and the table says what it is told."""

import importlib.metadata
import sys
from html.parser import HTMLParser

import matplotlib.figure
import nbformat
import pytest
import torch
from nbclient import NotebookClient

from advcourse import data, models, runtime
from advcourse.notebook import selfcheck
from advcourse.notebook.selfcheck import FAILED, NOTE, OK, Row
from tests.support.traces import undrawn


@pytest.fixture(autouse=True)
def alone(own_cache, offline, tmp_path):
    """No data but what is bundled, an empty cache, and no way out to the network."""
    return tmp_path


def check(name, folder="."):
    """The row of that name."""
    return next(row for row in selfcheck.run(folder) if row.name == name)


def states(rows):
    return {r.name: r.state for r in rows}


ABSENT = [name for name in data.NAMES if name not in ("digits", "photos")]


def test_on_bundled_data_alone_nothing_fails_but_the_missing_kernel(alone):
    rows = selfcheck.run(alone)
    expected = {"Python": OK, "packages": OK, "device": OK, "data: digits": OK, "data: photos": OK, "weights": NOTE}
    expected |= {f"data: {name}": NOTE for name in ABSENT}
    expected |= {"gradient to the input": OK, "figures": OK, "widgets": FAILED, "saving": OK}
    assert states(rows) == expected, rows
    assert all(bool(r.advice) == (r.state == FAILED) for r in rows)


def test_in_a_notebook_the_widgets_row_is_green(tmp_path):
    code = "from advcourse.notebook import selfcheck\nprint(*[r for r in selfcheck.run() if r.name == 'widgets'])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    (output,) = notebook.cells[0].outputs
    assert output.text.startswith("Row(name='widgets', state='ok', found='ipywidgets ")


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert check("Python").state == FAILED


def test_a_missing_and_an_old_package_fail_by_name(monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name == "safetensors":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0" if name == "torch" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    failed = check("packages")
    assert failed.state == FAILED
    assert "safetensors is not installed" in failed.found
    assert "torch is 1.0, expected >=2.11" in failed.found


def test_a_wrong_scale_fails(monkeypatch):
    monkeypatch.setenv("ADVCOURSE_SCALE", "huge")
    failed = check("device")
    assert failed.state == FAILED and "'huge'" in failed.found


def test_a_device_that_computes_wrongly_fails(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: torch.zeros(64, 64, dtype=a.dtype))
    monkeypatch.setattr(runtime, "device", lambda: torch.device("cpu"))
    genuine = torch.Tensor.double
    monkeypatch.setattr(torch.Tensor, "double", lambda a: genuine(a) + 1)
    assert check("device").state == FAILED


def test_missing_data_fails_where_nothing_may_stand_in_for_it(alone, monkeypatch):
    monkeypatch.setenv("ADVCOURSE_DATA", str(alone))
    rows = {row.name: row for row in selfcheck.run(alone)}
    for name in ABSENT:
        failed = rows[f"data: {name}"]
        assert failed.state == FAILED
        assert "ADVCOURSE_DATA" in failed.found and "unset ADVCOURSE_DATA" in failed.advice


def test_a_damaged_file_fails_by_name(alone, monkeypatch):
    (alone / "gtsrb32.npz").write_bytes(b"PK not a zip file")
    monkeypatch.setenv("ADVCOURSE_DATA", str(alone))
    failed = check("data: gtsrb")
    assert failed.state == FAILED and "gtsrb32.npz is damaged" in failed.found
    assert "python -m advcourse data gtsrb" in failed.advice


@pytest.mark.parametrize(
    "images",
    [torch.full((3, 1, 8, 8), 0.5), torch.rand(3, 1, 8, 8) * 255, torch.rand(2, 1, 8, 8), torch.eye(8).double()],
)
def test_data_that_are_no_images_fail(images, monkeypatch):
    monkeypatch.setattr(data, "load", lambda *_, **__: (images, torch.zeros(3), ["0"]))
    assert check("data: digits").state == FAILED


def test_missing_weights_fail(tmp_path, monkeypatch):
    load = models.load
    monkeypatch.setattr(models, "load", lambda name, folder: load(name, folder=tmp_path))
    failed = check("weights")
    assert failed.state == FAILED and "mnist-cnn.safetensors" in failed.found


@pytest.mark.parametrize("place", [None, "in the cache"])
def test_weights_that_read_nothing_fail(place, monkeypatch):
    """With real images the card is the measure, with the stand-in a bound far above guessing."""
    untrained = models.build("mnist/cnn").eval()
    monkeypatch.setattr(models, "load", lambda name, **_: untrained)
    monkeypatch.setattr(selfcheck, "place", lambda name: place)
    failed = check("weights")
    assert failed.state == FAILED and "mnist/cnn reads" in failed.found


def test_weights_a_little_below_their_card_fail(monkeypatch):
    """983 of 1000 right is more than four standard errors below a card's 99.4 %; 986 is not."""
    labels = torch.zeros(1000, dtype=torch.int64)
    monkeypatch.setattr(data, "load", lambda *_, **__: (torch.zeros(1000, 1, 28, 28), labels, ["0", "1"]))
    monkeypatch.setattr(models, "card", lambda name, folder: {"accuracy": 0.994})
    monkeypatch.setattr(selfcheck, "place", lambda name: "in the cache")
    for right, state in ((983, FAILED), (986, OK)):
        logits = torch.tensor([[1.0, 0.0]] * right + [[0.0, 1.0]] * (1000 - right))
        monkeypatch.setattr(models, "load", lambda name, logits=logits, **_: lambda images: logits)
        assert check("weights").state == state


def test_gradients_switched_off_fail():
    with torch.no_grad():
        failed = check("gradient to the input")
    assert failed.state == FAILED and "no gradients" in failed.found


def test_a_wrong_gradient_fails(monkeypatch):
    genuine = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a: tuple(1.01 * g for g in genuine(*a)))
    failed = check("gradient to the input")
    assert failed.state == FAILED and "finite difference" in failed.found


def test_the_gradient_row_leaves_the_random_state_alone(monkeypatch):
    monkeypatch.setattr(models, "load", None)  # the network of the weights row is made of draws
    with undrawn():
        assert check("gradient to the input").state == OK


def test_figures_that_stay_blank_fail(monkeypatch):
    monkeypatch.setattr(
        matplotlib.figure.Figure, "add_axes", lambda self, box: self.add_subplot().inset_axes((2, 2, 1, 1))
    )
    assert check("figures").state == FAILED


def test_a_folder_that_cannot_be_written_fails(alone):
    (alone / "file").write_text("in the way")
    assert check("saving", alone / "file" / "lectures").state == FAILED


def test_a_cache_that_cannot_be_written_fails(alone, monkeypatch):
    (alone / "file").write_text("in the way")
    monkeypatch.setenv("ADVCOURSE_CACHE", str(alone / "file"))
    failed = check("saving", alone)
    assert failed.state == FAILED and "cache of downloads" in failed.found


def test_saving_leaves_nothing_behind(alone):
    (alone / "lectures").mkdir()
    assert check("saving", alone / "lectures").state == OK
    assert list((alone / "lectures").iterdir()) == []


def test_places_are_told_without_a_path(alone, monkeypatch):
    assert selfcheck.place("digits") == "bundled with scikit-learn"
    assert selfcheck.place("photos") == "bundled with scikit-image"
    assert selfcheck.place("gtsrb") is None
    (alone / "cache").mkdir()
    (alone / "cache" / "gtsrb32.npz").touch()
    assert selfcheck.place("gtsrb") == "in the cache"
    (alone / "gtsrb32.npz").touch()
    monkeypatch.setenv("ADVCOURSE_DATA", str(alone))
    assert selfcheck.place("gtsrb") == "in $ADVCOURSE_DATA"


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts, self.open = [], []

    def handle_starttag(self, tag, attributes):
        if tag == "td":
            self.texts.append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if "td" in self.open:
            self.texts[-1] += text


def test_the_table_shows_every_row_escaped_and_marked():
    rows = [Row("a", OK, "fine"), Row("b", NOTE, "1 < 2"), Row("c", FAILED, "<script>", "try & see")]
    cells = Cells()
    cells.feed(selfcheck.table(rows))
    assert cells.open == []
    assert cells.texts == ["✓", "a", "fine", "✓ note", "b", "1 < 2", "✗", "c", "<script>What to do: try & see"]


def test_the_headline_counts():
    ok, note, failed = Row("a", OK, ""), Row("b", NOTE, ""), Row("c", FAILED, "", "")
    assert selfcheck.headline([ok, ok]) == "All 2 checks passed."
    assert selfcheck.headline([ok, note]) == "All 2 checks passed, 1 with a note."
    assert selfcheck.headline([ok, note, failed]) == "1 of 3 checks failed."
