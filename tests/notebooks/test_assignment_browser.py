"""An assignment in a real Chromium: a student solves it, an instructor grades what was handed in."""

import csv
import re
import shutil
import subprocess
import sys

import pytest

from advcourse.grading import sandbox
from tests.grading import bank
from tests.grading.course import Course
from tests.support.lab import ROOT, running_lab

NAME = "a01_ifgsm"
HOSTILE = """<script>window.hit = 1</script> <img src=x onerror="window.hit = 2">
[link](javascript:window.hit=3) <svg onload="window.hit = 4"></svg>

<iframe srcdoc="<script>parent.hit = 5</script>"></iframe> $\\href{javascript:window.hit=6}{x}$ My answer."""
SHOWS_HTML = """from IPython.display import HTML, Javascript, display
display(HTML('<script>window.hit = 7</script><img src=x onerror="window.hit = 8">'), Javascript('window.hit = 9'))
def fgsm(model, images, labels, eps, count):
    raise ValueError('<img src=x onerror="window.hit = 10">')"""

pytestmark = pytest.mark.browser


@pytest.fixture
def window(browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(60_000)
    yield page
    page.close()


# -- a student


def cell(window, name: str):
    place = [each["id"] for each in bank.released(NAME)["cells"]].index(name)
    return window.locator(".jp-Notebook .jp-Cell").nth(place)


def run(window, name: str) -> str:
    """Run a cell by the keyboard, and what it shows."""
    from playwright.sync_api import expect

    chosen = cell(window, name)
    prompt = chosen.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    prompt.click()
    window.keyboard.press("Control+Enter")
    expect(prompt).not_to_have_text(before)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=60_000)
    return "\n".join(chosen.locator(".jp-OutputArea-output").all_inner_texts())


def write(window, name: str, source: str) -> None:
    cell(window, name).locator(".cm-content").click()
    window.keyboard.press("Control+A")
    window.keyboard.insert_text(source)
    window.keyboard.press("Escape")


def test_a_student_solves_an_exercise_and_looks_before_handing_in(window, tmp_path):
    shutil.copytree(ROOT / "assignments" / NAME, tmp_path / NAME)
    with running_lab(tmp_path) as (address, token):
        window.goto(f"{address}/lab/tree/{NAME}/{NAME}.ipynb?token={token}&reset")
        window.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
        assert "Error" not in run(window, "setup")
        run(window, "fgsm")
        assert "NotImplementedError" in run(window, "test_fgsm")
        write(window, "fgsm", "def fgsm(model, images, labels, eps, count):\n    return (images + eps).clamp(0, 1)")
        run(window, "fgsm")
        assert "✗ fgsm" in run(window, "test_fgsm")
        write(window, "fgsm", bank.solutions(NAME)["fgsm"])
        run(window, "fgsm")
        assert "Error" not in run(window, "test_fgsm")
        window.get_by_text("Validate").first.click()  # it saves the file first
        dialog = window.locator(".jp-Dialog-content")
        dialog.wait_for()
        assert "failed" in dialog.inner_text()  # the exercises that are not solved yet
        dialog.get_by_role("button").last.click()
        said = run(window, "preflight")
        assert "ifgsm" in said and "fgsm" in said


# -- an instructor


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one honest submission that is graded, and a hostile one that is not."""
    if sandbox.unavailable() is not None:
        pytest.skip(f"no sandbox here: {sandbox.unavailable()}")
    made = Course(tmp_path_factory.mktemp("course"), [NAME])
    made.settings("c.Autograde.controls = False")
    shutil.copy(ROOT / "course" / "lab.py", made.root / "course")
    shutil.copytree(ROOT / "course" / "jupyter", made.root / "course" / "jupyter")
    made.submit(NAME, "ada", bank.answered(NAME))
    hostile = bank.answered(NAME, {"fgsm": SHOWS_HTML})
    written = next(each for each in hostile["cells"] if each["id"] == "read_the_curve")
    written["source"], written["attachments"] = HOSTILE, {"x.svg": {"image/svg+xml": "<svg onload='window.hit = 11'/>"}}
    made.submit(NAME, "eve", hostile)
    return made


def press(window, student: str, button: str) -> None:
    """A button of the formgrader's list, until it says that it has succeeded."""
    row = window.locator("tr", has=window.locator(f".student-id[data-order={student}]"))
    row.locator(f".{button} a").click()
    dialog = window.locator(".modal-content")
    dialog.wait_for(timeout=300_000)
    assert dialog.locator(".modal-title").inner_text() == "Success", dialog.inner_text()
    dialog.get_by_role("button", name="OK").click()
    dialog.wait_for(state="detached")


def test_an_instructor_grades_marks_and_gives_feedback(window, course):
    program = course.root / "course" / "lab.py"
    dialogs = []
    window.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    with running_lab(course.root, "--instructor", program=program) as (address, token):
        window.goto(f"{address}/lab?token={token}")
        window.goto(f"{address}/formgrader/manage_submissions/{NAME}")
        for student in ("ada", "eve"):
            press(window, student, "autograde")
        full = bank.full_marks(NAME)
        assert course.graded(NAME, "ada").points == full
        assert course.graded(NAME, "eve").points["test_fgsm"] == 0

        window.goto(f"{address}/formgrader/gradebook/{NAME}/{NAME}")
        window.locator("tbody a").first.wait_for()
        links = window.locator("tbody a").evaluate_all("all => all.map(each => each.href)")
        submissions = [link for link in dict.fromkeys(links) if "/submissions/" in link]
        assert len(submissions) == 2
        for link in submissions:
            window.goto(link)
            window.locator("input.score").first.wait_for()
            window.wait_for_timeout(2000)
            assert window.evaluate("window.hit") is None and dialogs == []
            assert (
                window.locator("iframe, .rendered_html script, .output script, svg[onload], img[onerror]").count() == 0
            )
            box = window.locator("input.score").last
            box.fill("3")
            box.press("Tab")
            window.wait_for_timeout(1500)

        window.goto(f"{address}/formgrader/manage_submissions/{NAME}")
        press(window, "eve", "generate-feedback")
    page = course.root / "course" / "feedback" / "eve" / NAME / f"{NAME}.html"
    window.goto(page.as_uri())
    window.wait_for_timeout(1000)
    assert window.evaluate("window.hit") is None and "My answer" in window.locator("body").inner_text()
    line = [sys.executable, "-m", "advcourse.grading", "export", "--to", "grades.csv"]
    subprocess.run(line, cwd=course.root / "course", check=True)
    with open(course.root / "course" / "grades.csv", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(rows["ada"]["score"]) == sum(full.values()) + 3 and rows["ada"]["state"] == "graded"
    tested = [points for points in course.graded(NAME, "eve").points.values() if points is not None]
    assert float(rows["eve"]["score"]) == sum(tested) + 3
