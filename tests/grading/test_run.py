"""The command that grades: controls first, nothing skipped after a kill, no way around the sandbox by a setting."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from advcourse.grading import controls, run, sandbox, trial, workers
from advcourse.grading.autograde import UNFINISHED
from tests.grading.bank import ROOT
from tests.grading.small import FULL, NAME, SmallCourse, find

pytestmark = pytest.mark.skipif(sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(controls, "_passed", set())


@pytest.fixture
def fresh(small, tmp_path):
    """A copy of the small course, as it is after its release, without submissions."""
    course = object.__new__(SmallCourse)
    course.root = tmp_path / "fresh"
    shutil.copytree(small.root / "course", course.root / "course", ignore=shutil.ignore_patterns("submitted", "auto*"))
    for name in ("solutions", "assignments"):
        shutil.copytree(small.root / name, course.root / name)
    return course


def where(course):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return {"cwd": course.root / "course", "env": environment, "capture_output": True, "text": True}


def finished(course):
    return sorted(path.parent.name for path in (course.root / "course" / "autograded").glob(f"*/{NAME}"))


def test_a_killed_run_is_resumed_and_nobody_is_skipped(fresh):
    fresh.settings("c.Autograde.controls = False")
    slow = "import time\ntime.sleep(30)\ndef double(x):\n    return 2 * x"
    fresh.submit(NAME, "ada", fresh.answered())
    fresh.submit(NAME, "bob", fresh.answered(slow))
    fresh.submit(NAME, "eve", fresh.answered())
    options = {k: v for k, v in where(fresh).items() if k in ("cwd", "env")}
    process = subprocess.Popen([sys.executable, "-m", "advcourse.grading", "grade", NAME], **options)
    place = fresh.root / "course" / "autograded" / UNFINISHED / "bob" / NAME / f"{NAME}.ipynb"
    for _ in range(1200):
        if place.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    assert place.exists() and finished(fresh) == ["ada"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    fresh.submit(NAME, "bob", fresh.answered())  # so that the test need not wait for it
    assert run.grade(NAME, fresh.root / "course")
    assert finished(fresh) == ["ada", "bob", "eve"]
    for student in ("ada", "bob", "eve"):
        assert fresh.graded(NAME, student).points == FULL
    assert not list((fresh.root / "course" / "autograded" / UNFINISHED).glob("*/*"))


def test_grading_anew_that_fails_leaves_what_was(small):
    small.grade("late", small.answered())
    before = small.autograded("late")
    folder = small.root / "course" / "submitted" / "late" / NAME
    (folder / f"{NAME}.ipynb").write_text("garbage")
    assert not small.api.autograde(NAME, "late")["success"]
    assert small.autograded("late") == before
    small.submit(NAME, "late", small.answered("def double(x):\n    return x"))
    (folder / "timestamp.txt").write_text("2030-01-01 12:00:00 UTC")  # handed in anew
    assert small.api.autograde(NAME, "late", force=False)["success"]
    assert small.graded(NAME, "late").points == dict.fromkeys(FULL, 0)


def written(course, student, points=None):
    """Points and whether somebody has to look at the answer in words, which may be given some."""
    with Gradebook(f"sqlite:///{course.root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
        grade = gradebook.find_grade("why", NAME, NAME, student)
        if points is not None:
            grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.db.commit()
        return grade.score, grade.needs_manual_grade


def test_points_by_hand_stand_where_the_answer_is_the_same(fresh):
    fresh.settings("c.Autograde.controls = False")
    for student in ("ada", "bob", "eve"):
        fresh.submit(NAME, student, fresh.answered())
    assert run.grade(NAME, fresh.root / "course")
    assert written(fresh, "ada", 2) == written(fresh, "bob", 2) == (2, False)
    fresh.submit(NAME, "bob", fresh.answered(why="Another reason."))
    assert run.grade(NAME, fresh.root / "course", force=True)
    assert written(fresh, "ada") == (2, False)
    assert written(fresh, "bob") == (2, True) and written(fresh, "eve") == (0, True)


def test_a_run_says_what_was_lost_and_whom_it_could_not_grade(fresh, capfd):
    fresh.settings("c.Autograde.controls = False")
    fresh.submit(NAME, "ada", fresh.answered())
    fresh.submit(NAME, "bob", fresh.answered("import os\n\n\ndef double(x):\n    os._exit(1)"))
    fresh.submit(NAME, "eve", fresh.answered())
    (fresh.root / "course" / "submitted" / "eve" / NAME / f"{NAME}.ipynb").write_text("garbage")
    assert not run.grade(NAME, fresh.root / "course")
    said = capfd.readouterr()
    assert said.out == f"{NAME}: 2 of 3 submissions graded, 0 left as they were\n"
    assert "bob: test_double: the process has ended\n" in said.err and "for student 'eve'" in said.err
    assert not any(each in said.err for each in ("ada", "checksum", "SAWarning"))
    (fresh.root / "course" / "submitted" / "eve" / NAME / f"{NAME}.ipynb").write_text(json.dumps(fresh.answered()))
    assert run.grade(NAME, fresh.root / "course")
    assert capfd.readouterr().out == f"{NAME}: 1 of 1 submissions graded, 2 left as they were\n"


def rewrite(course, change):
    """Changes the master after its release."""
    file = course.root / "solutions" / NAME / f"{NAME}.ipynb"
    notebook = json.loads(file.read_text())
    change(notebook)
    file.write_text(json.dumps(notebook))


def refused(course, capfd):
    """What the run says when it is refused; nothing is graded."""
    course.submit(NAME, "ada", course.answered())
    assert not run.grade(NAME, course.root / "course")
    assert finished(course) == []
    return capfd.readouterr().err


def test_a_master_that_fails_stops_the_run(fresh, capfd):
    rewrite(fresh, lambda notebook: find(notebook, "double").update(source="def double(x):\n    return x"))
    said = refused(fresh, capfd)
    assert "the controls fail, so nothing was graded" in said
    assert "master: test_double gets 0.0 points, expected 2 (AssertionError" in said and "stub" not in said


def test_an_environment_without_the_package_stops_the_run(fresh, capfd, monkeypatch):
    everywhere = sandbox.readable
    monkeypatch.setattr(sandbox, "readable", lambda: [p for p in everywhere() if p != ROOT / "advcourse"])
    with trial.sandboxed() as made, pytest.raises(RuntimeError) as found:
        made.child(20)

    def check(self):
        raise found.value

    monkeypatch.setattr(workers.Workers, "check", check)
    said = refused(fresh, capfd)
    assert "nothing was graded: the sandbox forks no process: is its package the one that grades?" in said


def test_a_test_that_passes_everything_stops_the_run(fresh, capfd):
    """Tests that give points to the stub: released again so, as the gradebook is what counts."""
    rewrite(fresh, lambda notebook: find(notebook, "test_negative").update(source="assert True"))
    assert NbGraderAPI(config=fresh.config()).generate_assignment(NAME, force=True)["success"]
    said = refused(fresh, capfd)
    assert "stub: test_negative gets 1.0 points, expected 0" in said
    assert "cheat: test_negative gets 1.0 points, expected 0" in said and "master" not in said


def test_the_cheat_would_gain_without_our_hand(small):
    """Its tags, run by nbgrader's own client, leave the tests out: no output, full marks."""
    cheat = controls.cheat(nbformat.from_dict(small.released()))
    tests = [cell for cell in cheat.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert all("skip-execution" in cell.metadata.tags for cell in tests)
    assert find(cheat, "test_double").source == "pass" and find(cheat, "test_double").metadata.nbgrader.points == 20


def test_nbgraders_own_command_does_the_same(fresh):
    fresh.submit(NAME, "ada", fresh.answered())
    done = subprocess.run([sys.executable, "-m", "nbgrader", "autograde", NAME], **where(fresh))
    assert done.returncode == 0, done.stderr
    assert fresh.graded(NAME, "ada").points == FULL and finished(fresh) == ["ada"]
    assert all(f"control-{name}" in done.stderr for name in ("master", "stub", "cheat"))


def test_without_a_sandbox_only_by_name(fresh, capfd, monkeypatch):
    monkeypatch.setattr(sandbox, "unavailable", lambda: "not on this system")
    said = refused(fresh, capfd)
    assert "no sandbox to grade in: not on this system" in said
    assert run.grade(NAME, fresh.root / "course", unsafe=True)
    assert fresh.graded(NAME, "ada").points == FULL


# -- what is not as it should be is one line


def said_of(course, *arguments):
    done = subprocess.run([sys.executable, "-m", "advcourse.grading", "grade", *arguments], **where(course))
    return done.returncode, done.stderr.strip().splitlines()


def test_an_unknown_assignment_or_student_is_named(fresh):
    assert said_of(fresh, "a99") == (1, [f"assignment is 'a99', expected one of {NAME}"])
    status, lines = said_of(fresh, NAME, "--student", "nobody")
    assert status == 1 and len(lines) == 1
    assert lines[0].startswith(f"student is 'nobody', expected one who has handed in {NAME}: there is no ")
    assert said_of(fresh, NAME, "--course", "elsewhere")[1][0].endswith("expected a folder with nbgrader_config.py")
    assert said_of(fresh, NAME, "--workers", "0")[1][-1].endswith("--workers is 0, expected at least 1")


def test_a_file_that_is_no_notebook_is_told_without_a_traceback(fresh):
    fresh.settings("c.Autograde.controls = False")
    for student in ("ada", "bob"):
        fresh.submit(NAME, student, fresh.answered())
    (fresh.root / "course" / "submitted" / "bob" / NAME / f"{NAME}.ipynb").write_text("{")
    status, lines = said_of(fresh, NAME)
    assert status == 1 and finished(fresh) == ["ada"]
    assert any("bob" in line for line in lines) and not any("Traceback" in line or "  File" in line for line in lines)


def test_a_locked_gradebook_stops_the_run_and_the_next_one_goes_on(fresh):
    fresh.settings("c.Autograde.controls = False")
    fresh.submit(NAME, "ada", fresh.answered())
    holder = sqlite3.connect(fresh.root / "course" / "gradebook.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    status, lines = said_of(fresh, NAME)
    assert status == 1 and finished(fresh) == [] and "Traceback" not in "".join(lines)
    assert lines[-1].startswith("the gradebook could not be written: database is locked. What was graded before")
    holder.execute("ROLLBACK")
    assert said_of(fresh, NAME)[0] == 0 and fresh.graded(NAME, "ada").points == FULL


def test_an_interrupted_run_says_so_and_the_next_one_goes_on(fresh):
    fresh.settings("c.Autograde.controls = False")
    fresh.submit(NAME, "ada", fresh.answered())
    fresh.submit(NAME, "bob", fresh.answered("import time\ntime.sleep(30)\ndef double(x):\n    return 2 * x"))
    line = [sys.executable, "-m", "advcourse.grading", "grade", NAME]
    options = {k: v for k, v in where(fresh).items() if k != "capture_output"} | {"stderr": subprocess.PIPE}
    process = subprocess.Popen(line, **options)
    for _ in range(1200):
        if finished(fresh) == ["ada"] or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert process.stderr.read().strip().splitlines()[-1].startswith("interrupted. What was graded before it stands")
    fresh.submit(NAME, "bob", fresh.answered())
    assert said_of(fresh, NAME)[0] == 0 and finished(fresh) == ["ada", "bob"]
