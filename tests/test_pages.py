"""The pages that a newcomer follows: their files and commands are there, and their skeletons do what the pages say."""

import os
import re
from functools import partial
from pathlib import Path

import matplotlib
import nbformat
import pytest

from advcourse import runtime
from advcourse.attacks import pgd
from tests.contracts import attacks, defenses, gan_losses, training_losses
from tests.contracts.catalogue.gan_losses import NUMBERS
from tests.contracts.contract import broken
from tests.grading import bank
from tests.notebooks import form
from tests.notebooks.test_form import RULES
from tests.support.figures import problems
from tests.support.notebooks import nothing_at_hand

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("docs/add_*.md"))
MADE = re.compile(r"NAME|NN_")  # what a page has its reader write


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    """The Python of a page, block by block."""
    return re.findall(r"^```python[^\n]*\n(.*?)^```", text(f"docs/{page}.md"), flags=re.MULTILINE | re.DOTALL)


def test_the_five_pages_are_there_and_contributing_leads_to_them():
    kinds = ["a_defense", "a_gan_variant", "a_lecture", "an_assignment", "an_attack"]
    assert [page.stem for page in PAGES] == [f"add_{kind}" for kind in kinds]
    for page in PAGES:
        assert f"](docs/{page.name})" in text("CONTRIBUTING.md")
        assert len(text(page).splitlines()) <= 140


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda page: page.name)
def test_a_page_names_commands_and_files_that_are_there(page):
    targets = set(re.findall(r"^([\w-]+):", text("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z]+)", text(page), flags=re.MULTILINE))
    assert named and named <= targets
    rooms = "advcourse|tests|docs|course|lectures|solutions|assignments|benchmarks"
    paths = re.findall(rf"(?:`|\s)((?:{rooms})/[\w./]*\w)", text(page))
    assert paths
    assert [path for path in paths if not MADE.search(path) and not (ROOT / path).exists()] == []


def built(source: str, **known) -> dict:
    """What a block defines."""
    names = dict(known)
    exec(compile(source, "page", "exec"), names)
    return names


def test_the_attack_keeps_its_contracts_and_passes_its_test():
    tested, code, entry = blocks("add_an_attack")
    name = built(code)["NAME"]
    known = {"NAME": name, "Case": attacks.Case, "partial": partial, "EPS": 0.1, "NAN": float("nan")}
    assert broken(attacks, eval(entry, known)) == set()
    tests = built(tested.replace("from advcourse.attacks import NAME\n", ""), NAME=name)
    for each in [test for title, test in tests.items() if title.startswith("test_")]:
        each()


@pytest.mark.parametrize(("kind", "first"), [(defenses, 0), (training_losses, 2)], ids=["transforms", "trains"])
def test_the_defense_keeps_its_contracts(kind, first):
    code, entry = blocks("add_a_defense")[first : first + 2]
    known = {"NAME": built(code)["NAME"], "Case": kind.Case, "partial": partial, "pgd": pgd}
    assert broken(kind, eval(entry, known)) == set()


def test_the_gan_variant_keeps_its_contracts_and_passes_its_tests():
    tested, code, entry = blocks("add_a_gan_variant")
    known = {"NAME": built(code)["NAME"], "Case": gan_losses.Case, "NUMBERS": NUMBERS}
    assert broken(gan_losses, eval(entry, known)) == set()
    tests = built(tested.replace("from advcourse.gan import NAME\n", ""), NAME=known["NAME"])
    tests["test_NAME_by_hand"]()
    tests["test_NAME_brings_the_points_nearer"]()


@pytest.fixture
def lecture(tmp_path, monkeypatch):
    """What the page makes of the template, where no data are at hand: on the digits that stand in."""
    for name in set(os.environ) - set(nothing := nothing_at_hand(tmp_path)):
        monkeypatch.delenv(name)
    for name, value in nothing.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("lectures").mkdir()
    Path("lectures/TEMPLATE.md").write_text(text("lectures/TEMPLATE.md"), encoding="utf-8")
    built(blocks("add_a_lecture")[0])
    return nbformat.read("lectures/NN_name.ipynb", as_version=4)


def test_the_frame_of_a_lecture_is_a_notebook_with_badge_and_bootstrap_in_the_courses_form(lecture):
    nbformat.validate(lecture)
    badge, bootstrap, *cells = lecture.cells
    assert (badge.source, bootstrap.source) == (
        runtime.notebook_badge("lectures/NN_name.ipynb"),
        runtime.bootstrap_source(),
    )
    assert form.long_cells(cells) == [] and form.minutes(cells) == (10, 5)
    assert {rule.__name__: [*rule(cells)] for rule in RULES} == {rule.__name__: [] for rule in RULES}


def test_the_lecture_of_the_template_runs_and_its_exercise_answers(lecture, capsys):
    *cells, stub, check = [cell.source for cell in lecture.cells[2:] if cell.cell_type == "code"]
    with matplotlib.rc_context({"backend": "Agg"}):
        names = built("\n".join(cells))
        assert problems(names["fig"]) == []
    assert min(names["curves"]["random signs"]) > max(names["curves"]["FGSM"][1:])
    said = []
    for answer in (stub, "raised = 0.1 * (3 + 0 + 1)", "raised = 0.1 * (3 - 1)", "raised = 3"):
        capsys.readouterr()
        built(f"{answer}\n{check}", **names)
        said.append(capsys.readouterr().out)
    assert [one[0] for one in said] == ["…", "✓", "✗", "✗"] and "which sign" in said[2]


def test_the_master_of_an_assignment_is_one_and_its_bank_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("solutions").mkdir()
    master, wrong = blocks("add_an_assignment")
    built(master)
    notebook = nbformat.read("solutions/aNN_name/aNN_name.ipynb", as_version=4)
    nbformat.validate(notebook)
    marked = {cell.id: cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert all(name == role.grade_id for name, role in marked.items())
    graded = {name: role.points for name, role in marked.items() if role.grade}
    total = re.search(r"^\| \| \| \| \d+ \| (\d+) \|$", notebook.cells[2].source, re.MULTILINE)
    assert sum(graded.values()) == int(total[1])
    names: dict = {}
    code = [cell.source for cell in notebook.cells if cell.id in ("setup", "brighten", "test_brighten")]
    exec("\n".join(code), names)  # the answer passes its test
    (tmp_path / "wrong_no_clamp.py").write_text(wrong)
    solved = {"brighten": bank.MARKER.sub("", code[1])}
    found = bank.read(tmp_path / "wrong_no_clamp.py", solved)
    assert found.expected == {"test_brighten": 0} and "clamp" not in found.answers["brighten"]
    with pytest.raises(AssertionError):
        exec("\n".join([code[0], found.answers["brighten"], code[2]]), {})
