"""README.md, docs/ and the files at the head of the repository say what the code says."""

import importlib
import importlib.util
import inspect
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import advcourse
from advcourse import attacks, runtime
from advcourse.grading import autograde, peer, values
from docs import techniques

ROOT = Path(__file__).parents[1]
PAPER = re.compile(r"(?:arXiv:\s?|arxiv\.org/(?:abs|pdf)/)(\d{4}\.\d{4,5})", flags=re.IGNORECASE)


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def sources_of(notebook: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(text(notebook))["cells"])


# -- the table of techniques


def test_every_public_name_is_a_technique_with_a_line_or_a_part_of_one():
    assert sorted(techniques.listed()) == sorted(techniques.public()), "docs/techniques.py: LINES, PARTS"
    assert set(techniques.PARTS) <= {*techniques.LINES, *techniques.ROOMS}


def test_a_new_public_name_without_a_line_is_seen(monkeypatch):
    monkeypatch.setattr(attacks, "__all__", [*attacks.__all__, "jsma"])
    assert techniques.public() - set(techniques.listed()) == {"attacks.jsma"}


def test_the_readme_holds_the_table_of_today():
    assert text("README.md") == techniques.written(text("README.md")), "run make docs"


@pytest.mark.parametrize("lecture", sorted((ROOT / "lectures" / "text").glob("*.md")), ids=lambda path: path.stem[:2])
def test_the_readme_and_the_lecture_add_up_the_minutes_of_its_exercises(lecture):
    page = lecture.read_text(encoding="utf-8")
    total = sum(map(int, re.findall(r"^#+ Check yourself .*\(\w+, (\d+) minutes\)$", page, re.MULTILINE)))
    assert total and re.search(rf"^\*\*Time\.\*\* .*\b{total} for the", page, re.MULTILINE)
    (row,) = (line for line in text("README.md").splitlines() if line.startswith(f"| {lecture.stem[:2]} |"))
    assert int(row.rstrip(" |").rpartition("|")[2].split("+")[1]) == total


def test_the_table_is_put_between_its_markers_and_nowhere_else(monkeypatch):
    page = f"before\n{techniques.BEGIN}\n\nold\n\n{techniques.END}\nafter | [a](b) |\n"
    once = techniques.written(page)
    assert once == page.replace("old", techniques.table()) == techniques.written(once)
    monkeypatch.setitem(techniques.LINES, "attacks.pgd", techniques.Line("renamed", "nothing", "l3", "03"))
    assert techniques.written(once) != once
    for spoilt in (page.replace(techniques.END, ""), page.replace(techniques.BEGIN, ""), ""):
        with pytest.raises(ValueError, match="expected both"):
            techniques.written(spoilt)


def said_of(name: str) -> str:
    """A technique's docstring, and those of its room's functions that it refers to."""
    docstring = inspect.getdoc(techniques.technique(name))
    face = techniques.room(name.rpartition(".")[0])
    others = [getattr(face, other) for other in re.findall(r"``(\w+)``", docstring) if other in face.__all__]
    return "\n".join([docstring, *map(inspect.getdoc, others)])


KERAS = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="not installed: keras (extra tf)"),
]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=KERAS if name.startswith("keras.") else ()) for name in techniques.LINES]
)
def test_a_line_agrees_with_the_code(name):
    """The norms with the docstring, the lecture with its cells, and there is a source."""
    line, docstring = techniques.LINES[name], said_of(name)
    norms = set(re.findall(r"\b(?:linf|l2|l1)\b", line.small))
    named = docstring.lower().replace("‖∞", " linf ").replace("‖₂", " l2 ")
    assert norms <= set(re.findall(r"\b(?:linf|l2|l1)\b", named))
    if "norm" in inspect.signature(techniques.technique(name)).parameters:
        assert norms == set(re.findall(r"``\"(linf|l2|l1)\"``", docstring))
    taught = sources_of(techniques.lecture(line.lecture)) if line.lecture else name
    assert re.search(rf"\b{name.rpartition('.')[2]}\b", taught)
    own = inspect.getdoc(techniques.technique(name)).partition("\nSource: ")[2]
    assert own and techniques.papers(name) == re.findall(r"arXiv:([\d.]+\d)", own)
    assert f"[`{name}`](" in techniques.row(name) and line.title in techniques.row(name)


# -- sources


def cited() -> dict[str, set[str]]:
    """By arXiv id, the files that cite it."""
    found: dict[str, set[str]] = {}
    files = [*ROOT.glob("advcourse/**/*.py"), *ROOT.glob("benchmarks/*"), *ROOT.glob("course/*.py")]
    for file in [*files, *ROOT.glob("lectures/*.ipynb"), *ROOT.glob("solutions/*/*.ipynb")]:
        if file.suffix in {".py", ".md", ".ipynb", ".json"}:
            for paper in PAPER.findall(sources_of(file) if file.suffix == ".ipynb" else text(file)):
                found.setdefault(paper, set()).add(file.relative_to(ROOT).as_posix())
    return found


def entries() -> dict[str, str]:
    """By arXiv id, its line of the table in docs/sources.md."""
    rows = [line for line in text("docs/sources.md").splitlines() if line.startswith("| ")]
    return {paper: line for line in rows for paper in PAPER.findall(line.split("|")[1])}


def test_every_paper_that_is_cited_stands_in_the_sources_and_no_other():
    assert sorted(entries()) == sorted(cited())
    assert len(cited()) > 30


def test_a_paper_names_every_file_that_takes_something_from_it():
    """The last column holds the file's name, or the number of the lecture or assignment."""
    missing = []
    for paper, files in cited().items():
        for file in files:
            place = Path(file)
            number = place.stem.partition("_")[0]
            short = number if place.suffix == ".ipynb" else place.stem.strip("_")
            if not re.search(rf"(?<!\w)_?{short}(?!\w)", entries()[paper].split("|")[-2]):
                missing.append((paper, file))
    assert not missing


def unnumbered() -> set[str]:
    """First authors of works that are cited without a number of arXiv, and not as a deck."""
    files = [text(file) for file in ROOT.glob("advcourse/**/*.py")]
    paragraphs = [
        one for file in files for one in re.findall(r"^ *Source: (.+?)(?:\n\n|\"\"\")", file, flags=re.M | re.S)
    ]
    texts = [text(file).partition("\n## References\n")[2] for file in ROOT.glob("lectures/text/*.md")]
    bullets = [one for page in texts for one in re.findall(r"^[*-] ((?:.+\n)(?: +.+\n)*)", page, flags=re.MULTILINE)]
    works = [one for one in paragraphs + bullets if not PAPER.search(one) and not re.search(r"\bdeck\b|slides", one)]
    named = [re.search(r"([A-Z][^\W\d_]{2,})(?:[.,]| et al| &| \d{4})", one) for one in works]
    return {name[1] for name in named if name}


def test_works_that_are_not_on_arxiv_are_named_too():
    assert {"Hestenes", "LeCun", "Horn", "Krizhevsky"} <= unnumbered()
    page = text("docs/sources.md").partition("## Other works")[2]
    assert {name for name in unnumbered() if name not in page} == set()


def test_the_five_decks_are_named_with_their_authors():
    page = text("docs/sources.md")
    for author in ("Mobahi", "Tanner", "Stock", "Sarkar", "Moosavi-Dezfooli"):
        assert re.search(rf"^### .*{author}", page, flags=re.MULTILINE), author
    assert len(re.findall(r"^### ", page, flags=re.MULTILINE)) == 5


# -- how a submission is graded

LIMIT = re.compile(r"^\| .+? \| ([\d,]+)( MiB)?[^|]* \| `(?:c\.)?(\w+)\.(\w+)`(?: \(\w+\))? \|$", re.MULTILINE)


def limits(page: str) -> dict[str, int]:
    """The limits that a page states, by the name of the setting or constant: MiB as bytes where the code has bytes."""
    in_bytes = ("server", "wire")
    return {
        f"{place}.{name}": int(number.replace(",", "")) * (2**20 if mib and place in in_bytes else 1)
        for number, mib, place, name in LIMIT.findall(page)
    }


def limit(name: str) -> float:
    """What holds: for a setting the course's, which is the default too."""
    place, _, constant = name.partition(".")
    if place == "TrialExecute":
        held = getattr(autograde.TrialExecute, constant).default_value
        assert re.search(rf"^c\.{name} = {held:g}$", text("course/nbgrader_config.py"), flags=re.MULTILINE), name
        return held
    return getattr(importlib.import_module(f"advcourse.grading.{place}"), constant)


@pytest.mark.parametrize(("page", "number"), [("docs/grading.md", 25), ("course/instructor_guide.md", 4)])
def test_the_limits_of_grading_are_those_of_the_code(page, number):
    stated = limits(text(page))
    assert stated == {name: limit(name) for name in stated}
    rows = text(page).partition("\n## Limits\n")[2].partition("\n## ")[0]
    assert len(stated) == number == len(re.findall(r"^\|", rows, flags=re.MULTILINE)) - 2


def test_what_is_said_of_what_crosses_is_what_crosses():
    page = text("docs/grading.md")
    (tables,) = re.findall(r"^\| pandas tables whose index and columns are (.+?) \|", page, flags=re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", tables)) == values.COLUMN_TYPES
    assert len(peer.SERVICES) == 5 and "can ask for five things only" in page
    code = "".join(text(f"advcourse/grading/{name}.py") for name in ("peer", "trial", "wire"))
    for words in ("the process has ended", "nothing came", "no answer came", "what came kept the test for"):
        assert f"`{words}" in page and words in code


# -- the files at the head


def test_the_citation_is_that_of_this_version():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["authors"] == [{"name": "The advcourse authors"}]
    assert citation["version"] == advcourse.__version__
    assert citation["repository-code"] == runtime.REPOSITORY
    assert citation["license"] == tomllib.loads(text("pyproject.toml"))["project"]["license"]


def test_the_hooks_run_what_lint_runs():
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    recipe = re.search(r"^lint: setup\n((?:\t.+\n)+)", text("Makefile"), flags=re.MULTILINE)[1]
    hooks = repository["hooks"]
    assert [hook["entry"] for hook in hooks] == re.findall(r"\.venv/bin/.+", recipe.replace("$(BIN)", ".venv/bin"))
    assert all(hook["language"] == "system" and hook["pass_filenames"] is False for hook in hooks)
    assert len({hook["id"] for hook in hooks}) == len(hooks)


PAGES = ["CONTRIBUTING.md", "docs/architecture.md", "docs/grading.md", "docs/sources.md", "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_readme_leads_to_every_page(page):
    assert f"]({page})" in text("README.md")
