"""The grading cycle with nbgrader itself: what is scored, what must not cost marks, what a student gets back.

On one assignment; test_bank.py walks a submission of each through nbgrader, and master and stub of each without it.
"""

import copy
import csv
import json
import os
import shutil
import subprocess
import sys

from tests.grading import bank

ASSIGNMENT = "a01_ifgsm"
FULL = bank.full_marks(ASSIGNMENT)


def test_untouched_release_scores_nothing(course):
    graded = course.autograde(ASSIGNMENT, "untouched", bank.released(ASSIGNMENT))
    everything = [*FULL, *bank.manual_cells(ASSIGNMENT)]
    assert graded.points == dict.fromkeys(everything, 0)
    assert graded.waiting == []


def test_master_scores_every_autograded_point(course):
    graded = course.autograde(ASSIGNMENT, "master", bank.answered(ASSIGNMENT))
    assert graded.points == FULL
    assert graded.waiting == bank.manual_cells(ASSIGNMENT)


def position(notebook, name):
    return next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == name)


def test_deleted_copied_and_emptied_cells_do_not_spoil_a_submission(course):
    notebook = bank.answered(ASSIGNMENT)
    for name in ("setup", "test_fgsm", "test_fgsm_traces", "test_normalized_l2"):
        del notebook["cells"][position(notebook, name)]
    for name in ("project", "test_project"):
        cell = copy.deepcopy(notebook["cells"][position(notebook, name)])
        cell["id"] = f"{name}-copy"
        notebook["cells"].insert(position(notebook, name) + 1, cell)
    del notebook["cells"][position(notebook, "ifgsm")]["metadata"]["nbgrader"]
    graded = course.autograde(ASSIGNMENT, "damaged", notebook)
    assert graded.points == FULL
    assert "cell 'test_fgsm' is missing" in graded.log
    assert "'project' is there more than once" in graded.log
    assert "cell 'ifgsm' (number 9) has lost its grading metadata" in graded.log


def test_a_submission_without_any_metadata_is_graded(course):
    notebook = bank.answered(ASSIGNMENT)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    notebook["nbformat_minor"] = 4
    assert course.autograde(ASSIGNMENT, "bare", notebook).points == FULL


NOISY = """
import ctypes, logging, os, sys, warnings
from tqdm import tqdm

handler = logging.StreamHandler(sys.stderr)
libc = ctypes.CDLL(None)


def project(adversarial, images, eps):
    warnings.warn("a warning")
    logging.getLogger("noisy").addHandler(handler)
    logging.getLogger("noisy").error("an error in a log")
    print("a message", file=sys.stderr)
    os.write(2, b"bytes to the descriptor\\n")
    libc.perror(b"from C")
    for _ in tqdm(range(3)):
        pass
    return (images + (adversarial - images).clamp(-eps, eps)).clamp(0, 1)
"""


def test_standard_error_costs_nothing(course):
    assert course.autograde(ASSIGNMENT, "noisy", bank.answered(ASSIGNMENT, {"project": NOISY})).points == FULL


def test_a_dead_process_costs_its_cell_alone(course):
    answers = {"project": "import os\n\n\ndef project(adversarial, images, eps):\n    os._exit(1)"}
    graded = course.autograde(ASSIGNMENT, "dead", bank.answered(ASSIGNMENT, answers))
    assert graded.points == FULL | {"test_project": 0}


def test_an_endless_loop_costs_its_cell_alone(course):
    answers = {"project": "def project(adversarial, images, eps):\n    while True:\n        pass"}
    course.api.config.TrialExecute.timeout = 5
    try:
        graded = course.autograde(ASSIGNMENT, "endless", bank.answered(ASSIGNMENT, answers))
    finally:
        course.api.config.TrialExecute.timeout = course.config().TrialExecute.timeout
    assert graded.points == FULL | {"test_project": 0}


def test_from_release_to_feedback_and_csv_by_command(tmp_path):
    """The commands of the instructor guide, in a copy of the course."""
    (tmp_path / "course").mkdir()
    for name in ("nbgrader_config.py", "extension.py"):
        shutil.copy(bank.ROOT / "course" / name, tmp_path / "course")
    shutil.copytree(bank.ROOT / "solutions", tmp_path / "solutions")
    environment = os.environ | {"PATH": "/usr/bin:/bin"}  # the environment's own programs are not on it

    def command(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path / "course", env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    command(str(bank.ROOT / "course" / "release.py"), "--root", str(tmp_path))
    for path in [f"assignments/{a}/{a}.ipynb" for a in bank.assignments()] + ["advcourse/grading/manifest.json"]:
        assert (tmp_path / path).read_bytes() == (bank.ROOT / path).read_bytes(), f"{path}: run `make release`"

    wrong = bank.read(bank.FOLDER / ASSIGNMENT / "wrong_projected_at_the_end.py")
    folder = tmp_path / "course" / "submitted" / "ada" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").write_text(json.dumps(bank.answered(ASSIGNMENT, wrong.answers)))
    (folder / "timestamp.txt").write_text("2026-03-04 12:00:00 UTC")
    command("-m", "nbgrader", "db", "assignment", "add", ASSIGNMENT, "--duedate", "2026-03-01 12:00:00 UTC")
    with open(tmp_path / "course" / "nbgrader_config.py", "a") as file:
        file.write("\nc.Autograde.controls = False\n")  # test_run.py has them, on a smaller assignment
    command("-m", "nbgrader", "autograde", ASSIGNMENT)
    assert "late by 1.00 days" in command("extension.py", ASSIGNMENT, "ada", "2")
    command("-m", "nbgrader", "generate_feedback", ASSIGNMENT)
    html = (tmp_path / "course" / "feedback" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
    assert "bounded_ifgsm, projected after each of 10 steps" in html  # the message of the hidden test that failed
    assert "HIDDEN TESTS" not in html
    assert "A saddle" not in html
    command("-m", "nbgrader", "export", "--to", "grades.csv")
    with open(tmp_path / "course" / "grades.csv", newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["assignment"] == ASSIGNMENT]
    assert row["student_id"] == "ada"
    assert (row["score"], row["state"]) == ("", "waits for a person")
    assert float(row["points_so_far"]) == sum((FULL | wrong.expected).values())
