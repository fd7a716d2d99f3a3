"""``make address``: the address of the repository, rewritten wherever the course states it, and nothing else."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from advcourse import runtime
from course import address

ROOT = Path(__file__).parents[1]
OURS = runtime.REPOSITORY
THEIRS = "https://github.com/Some-One/a.longer_name-of-a-fork"
PLACES = ("advcourse/runtime.py", "CITATION.cff", "lectures/*.ipynb", "lectures/text/*.md", "*/a??_*/*.ipynb")


def contents(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


@pytest.fixture
def clone(tmp_path):
    """The files of the repository that state its address."""
    for pattern in PLACES:
        for file in ROOT.glob(pattern):
            (tmp_path / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, tmp_path / file.relative_to(ROOT))
    return tmp_path


def edit(file: Path, change) -> None:
    """Change a notebook's cells, as nbformat would write them."""
    notebook = json.loads(file.read_text(encoding="utf-8"))
    change(notebook["cells"])
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def test_every_place_is_rewritten_and_not_a_byte_besides(clone, monkeypatch):
    before = contents(clone)
    changed = address.rewrite(clone, THEIRS)
    after = contents(clone)
    assert changed == sorted(before) and len(changed) > 15
    short, ours = (each.removeprefix("https://github.com/").encode() for each in (THEIRS, OURS))
    for name, text in after.items():
        assert text.replace(short, ours) == before[name] and text != before[name], name
        assert ours not in text
    monkeypatch.setattr(runtime, "REPOSITORY", THEIRS)
    for name in after:
        if name.endswith(".ipynb"):
            badge, bootstrap, *_ = json.loads(after[name])["cells"]
            assert "".join(badge["source"]) == runtime.notebook_badge(name.replace("solutions/", "assignments/"))
            assert "".join(bootstrap["source"]) == runtime.bootstrap_source()


def test_a_second_run_changes_nothing_and_the_way_back_is_exact(clone):
    before = contents(clone)
    assert address.rewrite(clone, OURS) == []
    address.rewrite(clone, THEIRS)
    after = contents(clone)
    assert address.rewrite(clone, THEIRS) == [] and contents(clone) == after
    address.rewrite(clone, OURS)
    assert contents(clone) == before


def test_outputs_and_other_cells_keep_an_address_they_hold(clone):
    """Also where an output is, letter by letter, what stands in the bootstrap cell."""
    file = clone / "lectures" / "00_start_here.ipynb"
    printed = {"name": "stdout", "output_type": "stream", "text": runtime.bootstrap_source().splitlines(keepends=True)}
    prose = {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": [f"See {OURS}/issues.\n"]}

    def plant(cells):
        cells[:] = [*cells[:2], prose, *cells[2:]]
        next(cell for cell in cells[3:] if cell["cell_type"] == "code")["outputs"] = [printed]

    edit(file, plant)
    before = json.loads(file.read_bytes())
    address.rewrite(clone, THEIRS)
    after = json.loads(file.read_bytes())
    assert after["cells"][2:] == before["cells"][2:] and after["cells"][:2] != before["cells"][:2]
    assert {**after, "cells": 0} == {**before, "cells": 0}


def test_an_output_of_the_bootstrap_cell_itself_stays_or_all_is_refused(clone):
    """Outputs stand before the source in the file: the first place found would be the wrong one."""
    file = clone / "lectures" / "00_start_here.ipynb"
    printed = {"name": "stdout", "output_type": "stream", "text": runtime.bootstrap_source().splitlines(keepends=True)}
    edit(file, lambda cells: cells[1].update({"outputs": [printed], "source": cells[1].pop("source")}))
    before = contents(clone)
    with pytest.raises(ValueError, match="00_start_here.ipynb"):
        address.rewrite(clone, THEIRS)
    assert contents(clone) == before


def test_what_was_changed_by_hand_and_by_half_is_mended(clone):
    """The constant names one fork, a notebook a second, its text twin a third."""
    right = contents(clone)
    for name, fork in (("advcourse/runtime.py", "a/b"), ("lectures/00_start_here.ipynb", "c/d.e")):
        text = (clone / name).read_text(encoding="utf-8")
        (clone / name).write_text(text.replace("advcourse/advcourse", fork), encoding="utf-8")
    twin = clone / "lectures" / "text" / "00_start_here.md"
    twin.write_text(twin.read_text(encoding="utf-8").replace("advcourse/advcourse", "e/f"), encoding="utf-8")
    assert len(address.rewrite(clone, OURS)) == 3 and contents(clone) == right


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "advcourse/advcourse",
        "https://github.com/owner",
        "https://github.com/owner/name/",
        "https://github.com/owner/name/tree/main",
        "https://github.com/owner/name.git",
        "https://github.com/owner/..",
        "https://github.com/owner/na me",
        'https://github.com/owner/name"',
        "https://github.com/owner/name\n",
        "https://github.com/-owner/name",
        "https://github.com/own--er/name",
        "https://github.com/own_er/name",
        "https://github.com/OWNER/NAME?tab=readme",
        "http://github.com/owner/name",
        "https://gitlab.com/owner/name",
        "https://github.com.example.org/owner/name",
        "git@github.com:owner/name.git",
    ],
)
def test_what_is_no_address_of_a_repository_is_refused(clone, wrong):
    before = contents(clone)
    with pytest.raises(ValueError, match="REPOSITORY is .*, expected https://github.com/OWNER/NAME"):
        address.rewrite(clone, wrong)
    assert contents(clone) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cells: cells.pop(0),
        lambda cells: cells.reverse(),
        lambda cells: cells[0].update(source=["A badge was here."]),
        lambda cells: cells[1].update(source=[*cells[1]["source"], "\nimport this"]),
    ],
    ids=["no badge", "elsewhere", "another first cell", "a longer bootstrap cell"],
)
def test_a_notebook_that_begins_otherwise_is_named_and_nothing_is_written(clone, spoil):
    edit(clone / "solutions" / "a01_ifgsm" / "a01_ifgsm.ipynb", spoil)
    before = contents(clone)
    with pytest.raises(ValueError, match=r"solutions/a01_ifgsm/a01_ifgsm.ipynb begins .*, expected "):
        address.rewrite(clone, THEIRS)
    assert contents(clone) == before


def test_the_makefile_hands_the_address_over():
    command = ["make", "--dry-run", "address", f"REPOSITORY={THEIRS}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f'course/address.py "{THEIRS}"' in run.stdout
