"""Grades as CSV, for learning platforms too: what nobody has graded is empty, and nothing is a formula."""

import csv
import io
import shutil

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp

from advcourse.grading import export, platforms
from advcourse.grading.export import GradesPlugin
from tests.grading import classes
from tests.grading.classes import Submission, failed
from tests.grading.small import NAME


def rows(small, **asked):
    plugin = GradesPlugin(to=str(small.root / "grades.csv"), **asked)
    with Gradebook(f"sqlite:///{small.root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
        plugin.export(gradebook)
    with open(small.root / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_states_and_scores(small):
    small.grade("x_waits", small.answered())
    small.grade("x_done", small.answered())
    small.grade("x_stub", small.released())
    with Gradebook(f"sqlite:///{small.root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
        grade = gradebook.find_grade("why", NAME, NAME, "x_done")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.update_or_create_student("x_nothing", last_name='O\'Hara, "Jo"', email=None)
        gradebook.update_or_create_student("x_extended")
        gradebook.update_or_create_submission(NAME, "x_extended")  # as extension.py does
        gradebook.db.commit()
    small.submit(NAME, "x_broken", {})
    (small.root / "course" / "submitted" / "x_broken" / NAME / f"{NAME}.ipynb").write_text("garbage")
    assert not small.api.autograde(NAME, "x_broken")["success"]

    found = rows(small)
    shown = {name: (row["score"], row["raw_score"], row["state"], row["points_so_far"]) for name, row in found.items()}
    assert shown["x_waits"] == ("", "", "waits for a person", "3.0")
    assert shown["x_done"] == ("4.5", "4.5", "graded", "4.5")
    assert shown["x_stub"] == ("0.0", "0.0", "graded", "0.0")
    assert shown["x_nothing"] == ("", "", "nothing handed in", "")
    assert shown["x_extended"] == shown["x_broken"] == ("", "", "not autograded", "")
    assert found["x_nothing"]["last_name"] == 'O\'Hara, "Jo"' and found["x_done"]["max_score"] == "6.0"
    assert set(rows(small, student=["x_done"])) == {"x_done"} and rows(small, assignment=["another"]) == {}


def test_the_guides_command_uses_it(small):
    assert ExportApp(config=small.config()).plugin_class is GradesPlugin


def test_a_cell_that_was_not_run_is_partly_graded(small):
    """The mark is ours: a submission that raises an error of that name is wrong, not unlucky."""
    forged = "class NotRun(Exception):\n    def _render_traceback_(self):\n        return [str(self)]\n\n\n"
    forged += "def double(x):\n    raise NotRun('this cell was not run')"
    small.grade("y_dies", small.answered("import os\n\n\ndef double(x):\n    os._exit(1)"))
    small.grade("y_forges", small.answered(forged))
    found = {row["student_id"]: row for row in GradesPlugin(parent=small.api).rows(opened(small))}
    assert found["y_dies"]["state"] == "partly graded" and "score" not in found["y_dies"]
    assert "test_double: not run: the process has ended" in found["y_dies"]["reason"]
    assert found["y_forges"]["state"] == "waits for a person" and "not run" not in found["y_forges"]["reason"]


def opened(course):
    return Gradebook(f"sqlite:///{course.root / 'course' / 'gradebook.db'}", "advcourse")


# -- files for learning platforms, of the class on paper


def command(course, *arguments):
    return platforms.main([*map(str, arguments), "--course", str(course.root / "course")])


def table(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def written(course, tmp_path, *arguments):
    assert command(course, *arguments, "--to", tmp_path / "out.csv") == 0
    data = (tmp_path / "out.csv").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n")
    return table(data.decode("utf-8"))


def test_the_command_writes_what_nbgraders_export_writes(paper, tmp_path, monkeypatch):
    found = written(paper, tmp_path)
    plugin = GradesPlugin(parent=paper.api(), to=str(tmp_path / "plugin.csv"))
    with opened(paper) as book:
        plugin.export(book)
    assert (tmp_path / "plugin.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert list(found[0]) == export.COLUMNS and len(found) == 36
    monkeypatch.chdir(tmp_path)
    assert command(paper) == 0 and (tmp_path / "grades.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


def test_moodle(paper, tmp_path):
    found = {row["Identifier"]: row for row in written(paper, tmp_path, "--format", "moodle")}
    assert list(found["s00"]) == platforms.MOODLE and len(found) == 36
    assert found["s03"] == {
        "Identifier": "s03",
        "Full name": "Ada Lovelace",
        "Email address": "ada@example.org",
        "Grade": "9",
        "Last modified (grade)": "2026-03-01 22:59:00 UTC",
        "Feedback comments": "",
    }
    shown = {name: (row["Grade"], row["Feedback comments"]) for name, row in found.items()}
    assert shown["s12"] == ("5", "") and shown["s22"] == ("0", "")
    assert shown["s25"] == ("", "waits for a person (why: to be marked by hand)")
    assert shown["s29"] == ("", "partly graded (test_double: not run: the cell had not ended after 60 s)")
    assert shown["s32"][0] == "" and shown["s32"][1].startswith("not autograded (")
    assert shown["s34"] == ("", "nothing handed in") and found["s34"]["Last modified (grade)"] == "-"
    assert sum(row["Grade"] == "" for row in found.values()) == 9


def test_moodle_takes_one_assignment(own, tmp_path, capsys):
    with own.gradebook() as book:
        book.add_assignment("p02_other", duedate="2027-01-01")
    (tmp_path / "grades.csv").write_text("of before")
    assert command(own, "--format", "moodle", "--to", tmp_path / "grades.csv") == 1
    assert capsys.readouterr().err == "assignment is not given, expected one for Moodle: --assignment p01_paper, …\n"
    assert (tmp_path / "grades.csv").read_text() == "of before"
    assert len(written(own, tmp_path, "--format", "moodle", "--assignment", "p02_other")) == 36


WORKSHEET = """\ufeffIdentifier,Full name,Email address,ID number,Grade,Maximum grade,\
Last modified (grade),Feedback comments
Participant 17,Ada Lovelace,ADA@example.org,,,9.00,-,well done
Participant 18,Somebody Else,else@example.org,,4.00,9.00,"Sunday, 1 March 2026",
Participant 19,Twelve,,S12,,9.00,-,
Participant 20,Twenty-nine,,s29,,9.00,-,old
"""


def test_moodles_own_worksheet_is_filled_in(paper, tmp_path, capsys):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(WORKSHEET, encoding="utf-8")
    found = written(paper, tmp_path, "--format", "moodle", "--worksheet", sheet)
    before = table(WORKSHEET.removeprefix("\ufeff"))
    before[0]["Grade"], before[2]["Grade"] = "9", "5"
    before[3]["Feedback comments"] = "partly graded (test_double: not run: the cell had not ended after 60 s)"
    assert found == before and sheet.read_text(encoding="utf-8") == WORKSHEET
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 33 and said[0] == f"not in {sheet}: s00"


@pytest.mark.parametrize(
    "content, words",
    [("a,b\n1,2\n", "no Identifier, Grade, Last modified (grade)"), (b"\xff\xfe", "decode"), (None, "No such file")],
)
def test_what_is_no_worksheet_is_one_line(paper, tmp_path, capsys, content, words):
    sheet = tmp_path / "sheet.csv"
    if content is not None:
        sheet.write_bytes(content.encode() if isinstance(content, str) else content)
    assert command(paper, "--format", "moodle", "--worksheet", sheet, "--to", tmp_path / "out.csv") == 1
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (tmp_path / "out.csv").exists()
    assert command(paper, "--worksheet", sheet) == 1
    assert "format is csv, expected moodle" in capsys.readouterr().err


def test_canvas(own, tmp_path, capsys):
    with own.gradebook() as book:
        book.add_assignment("p02_other", duedate="2027-01-01")
        book.find_student("s12").lms_user_id = "4711"
        book.db.commit()
    found = written(own, tmp_path, "--format", "canvas")
    assert list(found[0]) == ["Student", "ID", "SIS Login ID", "Section", classes.NAME, "p02_other"]
    assert list(found[0].values()) == ["    Points Possible", "", "", "", "9", "0"]
    rows = {row["SIS Login ID"]: list(row.values()) for row in found[1:]}
    assert len(rows) == 36 and rows["s03"] == ["Lovelace, Ada", "", "s03", "", "9", ""]
    assert rows["s12"] == ["s12", "4711", "s12", "", "5", ""] and rows["s29"][4] == rows["s34"][4] == ""
    said = capsys.readouterr().err.splitlines()
    assert f"no grade: {classes.NAME}, waits for a person (why: to be marked by hand): s25, s26, s27, s28" in said
    assert f"no grade: {classes.NAME}, nothing handed in: s34, s35" in said
    assert len(said) == 6 and said[-1].startswith("no grade: p02_other, nothing handed in: s00, s01, ")


FORMULAS = ["=cmd()", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =cmd()", "\n=cmd()", "＝cmd()"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run(text):
    assert export.not_a_formula(text) == "'" + text


def test_other_text_and_numbers_stay():
    for value in ("ada", 'O\'Hara, "Jo"', "a=b", "x-y", "", None, -1.5, 0, "d'Arc", " x"):
        assert export.not_a_formula(value) is value


@pytest.mark.parametrize("style", ["csv", "moodle", "canvas"])
def test_no_field_of_a_student_is_a_formula(own, tmp_path, style):
    evil = {"first_name": "=cmd()", "last_name": "+1;\r\n=cmd()", "email": "@x"}
    own.add({"-2+3": Submission(), "=1": None, "nn": failed("test_double")}, nn=evil, **{"=1": evil, "-2+3": evil})
    found = written(own, tmp_path, "--format", style)
    values = [value for row in found for value in row.values()]
    assert not [value for value in values if value.lstrip().startswith(("=", "+", "@")) or value.startswith("-2")]
    assert "'-2+3" in values and "'=1" in values
    if style != "canvas":
        assert "'@x" in values


def test_export_without_autograded_notebooks(own, tmp_path, capsys):
    shutil.rmtree(own.root / "course" / "autograded")
    found = {row["student_id"]: row for row in written(own, tmp_path)}
    assert found["s12"]["state"] == "graded" and found["s12"]["score"] == "5.0"
    assert capsys.readouterr().err == (
        "no autograded notebooks: cells that were not run cannot be told from wrong ones\n"
    )


def test_what_the_command_refuses(paper, tmp_path, capsys):
    assert command(paper, "--assignment", "p09") == 1
    assert capsys.readouterr().err == "assignment is 'p09', expected one of p01_paper\n"
    assert command(paper, "--to", tmp_path / "no" / "folder.csv") == 1
    assert "No such file or directory" in capsys.readouterr().err
