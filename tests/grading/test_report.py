"""How a class did: states with reasons, mistakes in groups, and a page that nothing a student writes can change."""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_output

from advcourse.grading import opening, report, results
from advcourse.grading.report_figure import score_bins
from advcourse.grading.report_page import how_long, report_page
from tests.grading.bank import ROOT
from tests.grading.classes import NAME, STUB, Submission, failed
from tests.grading.small import TEST, cell

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
SLOW = "the cell had not ended after 60 s"
HIDDEN = "assert double(7) == 14"


def tallied(course):
    return report.tally(NAME, course.results().values())


def page_of(course):
    return report_page(tallied(course))


# -- the numbers


def test_the_class_is_counted(paper):
    """By hand, from the list of students in ``classes.a_few_dozen``."""
    made = tallied(paper)
    assert made.states == {
        "graded": 27,
        "partly graded": 2,
        "waits for a person": 4,
        "not autograded": 1,
        "nothing handed in": 2,
    }
    assert made.handed_in == 34 and made.most == 9
    assert made.scores == (0,) * 3 + (5,) * 10 + (9,) * 14 and made.so_far == (2, 4, 5, 6, 6, 6)
    cells = {one.name: (one.share, one.full, one.number) for one in made.cells}
    assert cells == {
        "test_double": (pytest.approx(18 / 31), 18, 31),  # two of 33 were not run
        "test_negative": (pytest.approx(29 / 33), 29, 33),
        "why": (pytest.approx(25 / 28), 25, 28),  # five wait
    }
    assert [one.name for one in made.cells] == ["test_double", "test_negative", "why"]
    assert made.unfinished == (("double", 3),)
    assert [(row["student_id"], seconds) for row, seconds in made.late()] == [("s31", 51 * 3600), ("s33", 420)]
    assert made.in_short() == "27 graded submissions: 0 to 9 of 9 points, median 9, mean 6.52."


def test_mistakes_that_differ_in_numbers_are_one(paper):
    mistakes = {one.name: one.mistakes for one in tallied(paper).cells}
    assert mistakes["test_double"] == (
        report.Mistake("double(3) is 6.0, expected 6", 8, True),
        report.Mistake("not answered: the stub is still there", 3, False),
        report.Mistake("ZeroDivisionError: division by zero", 2, False),
    )
    assert [(one.example, one.number) for one in mistakes["test_negative"]] == [
        ("not answered: the stub is still there", 3),
        ("AssertionError", 1),
    ]
    assert mistakes["why"] == ()


def test_the_most_common_mistakes_are_kept_and_the_others_counted():
    said = [name for name, number in zip("abcdefg", (1, 4, 2, 2, 5, 1, 3), strict=True) for _ in range(number)]
    made = report.cell_tally("x", [results.CellResult("x", 0.0, 2.0, one) for one in said])
    assert [(one.example, one.number) for one in made.mistakes] == [("e", 5), ("b", 4), ("g", 3), ("c", 2), ("d", 2)]
    assert made.others == 2 and made.share == 0
    assert report.cell_tally("x", [results.CellResult("x", None, 2.0, "lost")]).share is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gives 0.31, expected 0.25", "gives 0.32, expected 0.25"),
        ("gives -0.31", "gives 3e-05"),
        ("shape (2, 3); expected (4,)", "shape (12, 1); expected (7,)"),
        ("<function f at 0x7f3A>", "<function f at 0x11>"),
        ("from -0.012 to 1.034", "from 0.5 to 2"),
        ("is 1,000.5", "is .5"),
    ],
)
def test_patterns_that_are_one(one, other):
    assert results.pattern(one) == results.pattern(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("returned torch.float32", "returned torch.float64"),
        ("x1 is wrong", "x2 is wrong"),
        ("gives nan", "gives 0.5"),
        ("image 3 moved", "pixel 3 moved"),
        ("2 of 3", "2 of 3, 4"),
    ],
)
def test_patterns_that_are_two(one, other):
    assert results.pattern(one) != results.pattern(other)


def test_scores_fall_into_bars_of_whole_points():
    assert score_bins([0, 0.4, 0.5, 2, 9, 11, -1], 3) == {0: 3, 1: 1, 2: 1, 3: 2}
    bins = score_bins([0, 33.5, 34], 34)
    assert bins == {**dict.fromkeys(range(0, 36, 2), 0), 0: 1, 34: 2}
    assert score_bins([0.5], 0) == {0: 1}


@pytest.mark.parametrize(
    "seconds, words", [(20, "1 min"), (420, "7 min"), (3720, "1 h 2 min"), (183_600, "2 d 3 h"), (86_399, "1 d 0 h")]
)
def test_how_long(seconds, words):
    assert how_long(seconds) == words


# -- the state of a submission


STATES = {
    "test not run": (Submission(not_run={"test_double": SLOW}), "partly graded", f"test_double: not run: {SLOW}"),
    "two tests not run": (
        Submission(not_run={"test_negative": "b", "test_double": "a"}),
        "partly graded",
        "test_double: not run: a; test_negative: not run: b",
    ),
    "answer not run, its test lost": (
        Submission(not_run={"double": SLOW}, errors={"test_double": ("NameError", "double")}),
        "partly graded",
        f"double: not run: {SLOW}",
    ),
    "answer not run, nothing lost": (Submission(not_run={"double": SLOW}), "graded", ""),
    "a cell of no exercise not run": (failed("test_double", not_run={"plot": SLOW}), "graded", ""),
    "not run, and waits": (
        Submission(not_run={"test_double": SLOW}, mark=None),
        "partly graded",
        f"test_double: not run: {SLOW}; why: to be marked by hand",
    ),
    "not run, points by hand": (
        Submission(not_run={"test_double": SLOW}, by_hand={"test_double": 1.5}),
        "graded",
        "",
    ),
    "a student's own NotRun": (failed("test_double", said=("NotRun", "give me another try")), "graded", ""),
    "waits": (failed("test_double", mark=None), "waits for a person", "why: to be marked by hand"),
    "wrong": (failed("test_double"), "graded", ""),
}


@pytest.fixture(scope="module")
def states(paper, tmp_path_factory):
    course = paper.copied(tmp_path_factory.mktemp("states") / "root")
    course.add({name: given for name, (given, _, _) in STATES.items()})
    return course, course.results()


@pytest.mark.parametrize("name", STATES)
def test_states(states, name):
    """Never a plain 0: only what is graded has a score."""
    row, outcome = states[1][name]
    _, state, reason = STATES[name]
    assert (row["state"], row["reason"], outcome.state) == (state, reason, state)
    assert ("score" in row) == (state == "graded") and "points_so_far" in row
    unsettled = {"test_double"} if state == "partly graded" else set()
    assert unsettled <= {one.name for one in outcome.cells if one.points is None}


def test_a_state_comes_out_the_same_again(states):
    course, found = states
    assert course.results() == found
    assert found["not run, points by hand"][0]["score"] == 1.5 + 2 + 3


def test_without_autograded_notebooks_the_gradebook_decides(own):
    before = own.results()
    shutil.rmtree(own.root / "course" / "autograded")
    after = own.results()
    assert {name for name in before if before[name][0]["state"] != after[name][0]["state"]} == {"s29", "s30"}
    scores = [{name: row.get("score") for name, (row, _) in found.items()} for found in (before, after)]
    assert scores[1] == scores[0] | {"s29": 5}  # s30 waits
    assert own.plugin.notes == ["no autograded notebooks: cells that were not run cannot be told from wrong ones"]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"cells": 3}', None])
def test_a_damaged_notebook_costs_its_words_alone(paper, own, content):
    file = own.notebook_of("s12")
    file.unlink() if content is None else file.write_bytes(content)
    before, after = paper.results(), own.results()
    row, outcome = after.pop("s12")
    words = "is missing" if content is None else "is damaged"
    assert row["state"] == "graded" and row["score"] == 5 and words in row["reason"] and "\n" not in row["reason"]
    assert [one.points for one in outcome.cells] == [0, 2, 3]
    assert after == {name: one for name, one in before.items() if name != "s12"}
    assert own.plugin.notes == [
        f"{NAME}, s12: autograded notebook {NAME}.ipynb {words}, expected what autograding wrote"
    ]


def test_odd_contents_of_a_notebook_are_nothing_said(own):
    notebook = json.loads(own.notebook_of("s12").read_text())
    found = {one["id"]: one for one in notebook["cells"]}
    found["test_double"]["outputs"] = "text"
    found["test_negative"]["outputs"] = [3, {"output_type": "error"}, None]
    found["double"]["metadata"]["advcourse"] = "not a dict"
    found["why"]["metadata"]["nbgrader"]["grade_id"] = ["a", "list"]
    own.notebook_of("s12").write_text(json.dumps(notebook))
    row, outcome = own.results()["s12"]
    assert row["state"] == "graded" and {one.said for one in outcome.cells} == {""}


# -- the words of a test


def words(*outputs, source=TEST):
    return results.words_of(cell("t", source) | {"outputs": list(outputs)})


def error(name, message):
    return new_output("error", ename=name, evalue=message, traceback=["…"])


def test_words_of_a_test():
    assert words() == "" and words(new_output("stream", name="stdout", text="x")) == ""
    assert words(error("CheckFailed", "wrong"), error("Later", "x")) == "wrong"
    assert words(error("CheckFailed", "")) == "CheckFailed" and words(error("KeyError", "'a'")) == "KeyError: 'a'"
    assert words(error("A", "\x1b[31mred\x1b[0m\n  two\u2028lines\x00\u202e\t.")) == "A: red two lines ."
    assert words(new_output("stream", name="stderr", text="careful\n")) == "wrote to the standard error: careful"


def test_words_are_bounded():
    said = words(error("A" * 10**6, "b" * 10**6))
    assert len(said) == 200 and said == "A" * 199 + "…"
    assert words(error("A", "b" * 197)) == "A: " + "b" * 197


@pytest.mark.parametrize(
    "name, message",
    [
        ("Leak", f"I saw: {HIDDEN}!"),
        (HIDDEN, "x"),
        ("Leak", f"I saw:\n   {HIDDEN}\n"),
        ("Leak", "x" * 190 + HIDDEN),
        ("Leak", f"assert \x1b[1mdouble(7)\x1b[0m == 14; {HIDDEN}"),
    ],
)
def test_a_hidden_line_is_never_quoted(name, message):
    assert "double(7)" in TEST and HIDDEN in TEST
    assert words(error(name, message)) == "an error whose message quotes a hidden test"
    assert words(error("AssertionError", "assert double(3) == 6")) == "AssertionError: assert double(3) == 6"  # visible


def test_points_in_words():
    assert results.in_words(0, 2, "double(3) is 9") == "0 of 2 points: double(3) is 9"
    assert results.in_words(1, 1, "") == "1 of 1 point" and results.in_words(None, 2.5, "") == (
        "not graded yet, of 2.5 points"
    )


def test_feedback_says_in_words_what_failed(own):
    release = own.root / "assignments" / NAME / f"{NAME}.ipynb"
    release.parent.mkdir(parents=True)
    shutil.copy(own.notebook_of("s00"), release)
    own.add(
        {
            "leaks": failed("test_double", said=("Leak", f"<b>{HIDDEN}</b>")),
            "plain": failed("test_double", said=("CheckFailed", "double(3) is <b>9</b>, expected 6")),
            "slow": Submission(not_run={"test_double": SLOW}),
        }
    )
    pages = {}
    for student in ("leaks", "plain", "slow", "s00"):
        outcome = own.api().generate_feedback(NAME, student)
        assert outcome["success"], outcome["log"]
        page = (own.root / "course" / "feedback" / student / NAME / f"{NAME}.html").read_text()
        lines = [line for one in BeautifulSoup(page, "html.parser").select("pre") for line in one.text.splitlines()]
        pages[student] = [line for line in lines if " points" in line]
    assert pages["plain"] == ["0 of 4 points: double(3) is <b>9</b>, expected 6", "2 of 2 points"]
    assert pages["leaks"] == ["0 of 4 points: an error whose message quotes a hidden test", "2 of 2 points"]
    assert pages["slow"] == [f"0 of 4 points: not run: {SLOW}", "2 of 2 points"]
    assert pages["s00"] == ["4 of 4 points", "2 of 2 points"]


# -- the page


def inert(page: str) -> BeautifulSoup:
    """The page, of which nothing runs and nothing is fetched."""
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.find_all(["script", "iframe", "object", "embed", "form", "base", "link", "img", "input"])
    for element in soup.find_all(True):
        assert not [name for name in element.attrs if name.startswith("on")]
        assert element.get("href", "#").startswith("#") and element.get("xlink:href", "#").startswith("#")
        assert "src" not in element.attrs
    assert "url(" not in page.replace("url(#", "") and "@import" not in page and "javascript:" not in page
    return soup


def test_the_page_says_what_was_counted(paper):
    soup = inert(page_of(paper))
    cards = {one.strong.text: one.b.text for one in soup.select(".states li")}
    assert cards == {
        "graded": "27",
        "partly graded": "2",
        "waits for a person": "4",
        "not autograded": "1",
        "nothing handed in": "2",
    }
    assert "34 of 36 students handed in · 9 points · due 2026-03-01 23:59 UTC" in soup.header.text
    rows = [[one.text for one in row.find_all(["th", "td"])] for row in soup.select("#students + div tbody tr")]
    assert rows[0] == ["s29", "partly graded", "(5)", f"test_double: not run: {SLOW}"]
    assert rows[2] == ["s32", "not autograded", "", "no submission came through: see what the grading run says"]
    assert rows[3] == ["s25", "waits for a person", "(6)", "why: to be marked by hand"]
    assert ["s31", "graded", "9", "late by 2 d 3 h"] in rows and rows[-1] == ["s03 Ada Lovelace", "graded", "9", ""]
    assert len(rows) == 36
    cells = [[one.text for one in row.find_all(["th", "td"])] for row in soup.select("#hardest-cells + div tbody tr")]
    assert cells[0] == ["test_double", "4", "58 %", "18", "31"]
    said = [one.text.strip() for one in soup.select(".said li")]
    assert said[0] == "8×double(3) is 6.0, expected 6 (numbers differ)"


def test_the_page_is_accessible(paper):
    page = page_of(paper)
    soup = BeautifulSoup(page, "html.parser")
    assert soup.html["lang"] == "en" and soup.title.text == f"{NAME}: class report"
    levels = [int(one.name[1]) for one in soup.find_all(["h1", "h2", "h3"])]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    svg = soup.svg
    assert svg["role"] == "img"
    assert svg["aria-label"] == (
        "27 graded submissions: 0 to 9 of 9 points, median 9, mean 6.52. Graded: 3 with 0, 10 with 5, 14 with 9. "
        "So far: 1 with 2, 1 with 4, 1 with 5, 3 with 6."
    )
    assert all(table.caption for table in soup.find_all("table"))
    assert all(one.get("scope") for one in soup.find_all("th"))
    targets = {one["href"][1:] for one in soup.select("nav a")}
    assert targets == {one["id"] for one in soup.select("h2")} and len(targets) == 7
    assert "prefers-color-scheme: dark" in page and "color-scheme: light dark" in page
    drawn = str(svg).lower()
    assert "currentcolor" in drawn and "var(--accent)" in drawn and "var(--second)" in drawn
    assert not [colour for colour in ("#000000", "#010203", "#0072b2", "#e69f00", "#ffffff") if colour in drawn]


def test_the_page_is_the_same_again_in_whatever_order(paper):
    found = list(paper.results().values())
    once = report_page(report.tally(NAME, found))
    random.Random(0).shuffle(found)
    assert report_page(report.tally(NAME, found)) == once


def test_nothing_of_a_student_runs_or_takes_over_the_page(own):
    own.add(
        {
            "evil": failed("test_double", said=(HOSTILE, f"\u202e{HOSTILE}\x00]]>--></style></title>")),
            "huge": failed("test_double", "test_negative", said=("Huge", "<" * 10**6)),
            HOSTILE: Submission(mark=None),
        },
        evil={"first_name": HOSTILE, "last_name": "=cmd()", "email": HOSTILE},
    )
    page = page_of(own)
    soup = inert(page)
    assert len(soup.select("style")) == 1 and len(page.encode()) < 60_000
    said = [one.text for one in soup.select(".said bdi")]
    assert f"{HOSTILE}: {HOSTILE}]]>--></style></title>" in said
    assert "Huge: " + "<" * 193 + "…" in said
    assert any(one.text.startswith(HOSTILE[:25]) for one in soup.select("tbody th"))


def test_the_page_of_500_hostile_students_is_below_500_kb():
    pairs = []
    for number in range(500):
        row = {"student_id": f"{number}" + "<&\"'" * 300, "first_name": "'" * 10**4, "last_name": '"\U0001f600' * 10**4}
        row |= {"state": "partly graded", "reason": "&'" * 10**4, "points_so_far": 1.0, "seconds_late": 9e9}
        row |= {"duedate": datetime(2026, 1, 1), "max_score": 30.0, "assignment": NAME}
        cells = [results.CellResult(f"c{n}", 0.0, 2.0, f"{chr(97 + number % 26)}{n}" + "'" * 198) for n in range(15)]
        pairs.append((row, results.Outcome("partly graded", row["reason"], tuple(cells))))
    page = report_page(report.tally(NAME, pairs))
    assert 400_000 < len(page.encode()) < 500_000
    inert(page)


# -- the command


def command(*arguments):
    return report.main([str(one) for one in arguments])


def test_the_command_writes_the_page(own, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert command(NAME, "--to", page, "--course", own.root / "course") == 0
    assert page.read_text(encoding="utf-8") == page_of(own)
    assert capsys.readouterr().out == f"{page}: 34 submissions of 36 students, 27 graded\n"


def test_an_assignment_without_submissions_has_a_page(own, tmp_path):
    with own.gradebook() as book:
        book.add_assignment("p02_empty")
    assert command("p02_empty", "--to", tmp_path / "page.html", "--course", own.root / "course") == 0
    page = (tmp_path / "page.html").read_text()
    assert "Nobody is graded yet." in page and "0 of 36 students" in page and "no due date" in page
    inert(page)


def refused(own, tmp_path, capsys, name=NAME, course=None):
    """The one line that is said; the page of before stays."""
    page = tmp_path / "page.html"
    page.write_text("of before")
    assert command(name, "--to", page, "--course", course or own.root / "course") == 1
    assert page.read_text() == "of before"
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_what_does_not_exist_is_one_line(own, tmp_path, capsys):
    assert f"assignment is 'nothing', expected one of {NAME}" in refused(own, tmp_path, capsys, "nothing")
    nowhere = tmp_path / "nowhere"
    assert f"course is {nowhere}, expected a folder with nbgrader_config.py" in refused(
        own, tmp_path, capsys, course=nowhere
    )
    book = own.root / "course" / "gradebook.db"
    book.write_bytes(b"")
    assert "is empty, expected assignments" in refused(own, tmp_path, capsys)
    assert book.read_bytes() == b""  # nbgrader would have written tables
    book.write_bytes(b"no database" * 1000)
    assert "cannot be read: file is not a database" in refused(own, tmp_path, capsys)
    book.unlink()
    assert "there is no gradebook" in refused(own, tmp_path, capsys)
    assert not book.exists()


def locked(own):
    """A connection that keeps the gradebook for itself, as a program does that writes."""
    connection = sqlite3.connect(own.root / "course" / "gradebook.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_a_gradebook_that_stays_locked_is_one_line(own, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(opening, "WAIT", 0.01)
    connection = locked(own)
    assert "is locked: another program writes to it" in refused(own, tmp_path, capsys)
    connection.close()


def test_a_lock_that_ends_is_waited_for(own, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "WAIT", 0.01)
    connection, slept = locked(own), []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            connection.close()

    monkeypatch.setattr(opening.time, "sleep", sleep)
    assert command(NAME, "--to", tmp_path / "page.html", "--course", own.root / "course") == 0
    assert len(slept) == 2


def test_the_commands_are_found_and_load_what_they_need_alone():
    options = {"capture_output": True, "text": True, "cwd": ROOT}
    run = subprocess.run([sys.executable, "-m", "advcourse.grading"], **options)
    assert run.returncode == 2 and "export" in run.stderr and "report" in run.stderr
    run = subprocess.run([sys.executable, "-m", "advcourse.grading", "rapport"], **options)
    assert run.returncode == 2 and "report" in run.stderr
    code = "import sys, advcourse.grading.__main__; print('nbgrader' in sys.modules, 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], **options)
    assert run.stdout == "False False\n"


def test_a_stub_is_an_unfinished_exercise(own):
    answers = {"empty": " \n", "stub": STUB, "stub and more": f"x = 1\n{STUB}", "answered": "x = 1"}
    own.add({name: Submission(answer=answer) for name, answer in answers.items()})
    assert tallied(own).unfinished == (("double", 6),)  # three of the class, and the first three
