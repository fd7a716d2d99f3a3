"""Every lecture, master and released assignment is a well-formed notebook in the course's form."""

import json
import re
import tomllib

import jupytext
import nbformat
import pytest

from advcourse import runtime

from .tree import LECTURES, MASTERS, RELEASED, ROOT, name

each_lecture = pytest.mark.parametrize("path", LECTURES, ids=name)
each_notebook = pytest.mark.parametrize("path", LECTURES + MASTERS + RELEASED, ids=name)
FIGURE = re.compile(r"\*\*Figure (\d+)\.\*\* \S")


def read(path):
    return nbformat.read(path, as_version=4)


def outputs(cell):
    return cell.get("outputs", [])


def mime_types(cell):
    return {kind for output in outputs(cell) for kind in output.get("data", {})}


def headings(notebook):
    """Levels and titles of the Markdown headings, outside code fences."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            found += [(len(m[1]), m[2]) for m in re.finditer(r"^(#+) +(.+)$", text, flags=re.MULTILINE)]
    return found


@each_notebook
def test_is_valid_with_unique_ids(path):
    notebook = read(path)
    nbformat.validate(notebook)
    ids = [cell["id"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]  # nbformat would mend them
    assert len(set(ids)) == len(ids)
    assert notebook.metadata.kernelspec.name == "python3"


@each_notebook
def test_begins_with_badge_and_bootstrap(path):
    address = name(path).replace("solutions/", "assignments/")
    badge, bootstrap, *_ = read(path).cells
    assert (badge.cell_type, badge.source) == ("markdown", runtime.notebook_badge(address))
    assert (bootstrap.cell_type, bootstrap.source) == ("code", runtime.bootstrap_source())


@each_notebook
def test_headings_form_an_outline(path):
    levels = [level for level, _ in headings(read(path))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), levels


@each_lecture
def test_is_committed_as_one_run_left_it(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert not any(output.output_type == "error" for output in outputs(cell)), cell.source
        assert not any(output.get("name") == "stderr" for output in outputs(cell)), cell.source


@each_lecture
def test_is_small_enough_to_clone(path):
    assert path.stat().st_size < 1_500_000


@each_lecture
def test_every_figure_has_its_caption(path):
    """A cell that draws is followed by Markdown that begins with ``**Figure N.**``; N counts from 1."""
    cells = read(path).cells
    numbers = []
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code" and mime_types(cell) & {"image/png", "image/svg+xml", "image/jpeg"}:
            caption = after is not None and after.cell_type == "markdown" and FIGURE.match(after.source)
            assert caption, f"no caption after:\n{cell.source}"
            numbers.append(int(caption[1]))
    assert numbers == list(range(1, len(numbers) + 1))


@each_lecture
def test_text_twin_says_the_same(path):
    settings = tomllib.loads((ROOT / "jupytext.toml").read_text(encoding="utf-8"))
    filters = {key: settings[key] for key in ("notebook_metadata_filter", "cell_metadata_filter")}
    notebook = read(path)
    notebook.metadata["jupytext"] = filters
    twin = ROOT / "lectures" / "text" / f"{path.stem}.md"

    def body(text):
        return text.partition("\n---\n")[2].strip()

    assert body(jupytext.writes(notebook, "md")) == body(twin.read_text(encoding="utf-8"))


def test_every_text_twin_has_its_lecture():
    assert {path.stem for path in (ROOT / "lectures" / "text").glob("*.md")} == {path.stem for path in LECTURES}


@pytest.mark.parametrize("path", MASTERS + RELEASED, ids=name)
def test_assignment_holds_no_output(path):
    for cell in read(path).cells:
        assert not outputs(cell), cell.source
        assert cell.get("execution_count") is None


def test_every_master_is_released():
    assert [name(path).removeprefix("solutions/") for path in MASTERS] == [
        name(path).removeprefix("assignments/") for path in RELEASED
    ]
    assert MASTERS
