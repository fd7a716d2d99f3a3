"""A copy of the course in a folder of its own, graded by nbgrader itself, in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from tests.grading.bank import ROOT
from tests.support.notebooks import smaller


@dataclass(frozen=True)
class Graded:
    """What nbgrader gave: points per cell that it graded itself, cells that wait for a person, its log."""

    points: dict[str, float]
    waiting: list[str]
    log: str


class Course:
    """The course's masters and configuration under `root`, its assignments released there.

    Cells that are sized with `runtime.pick(quick=…)` draw a curve, give no points and take most of the time: here they
    are smaller.
    """

    def __init__(self, root: Path, assignments: list[str]):
        self.root = root
        (root / "course").mkdir()
        shutil.copy(ROOT / "course" / "nbgrader_config.py", root / "course")
        for name in assignments:
            shutil.copytree(ROOT / "solutions" / name, root / "solutions" / name)
            for master in (root / "solutions" / name).glob("*.ipynb"):
                master.write_text(smaller(master.read_text(encoding="utf-8")), encoding="utf-8")
        self.api = NbGraderAPI(config=self.config())
        for name in assignments:
            outcome = self.api.generate_assignment(name, force=True, create=True)
            if not outcome["success"]:
                raise RuntimeError(outcome["log"])

    def config(self) -> Config:
        return PyFileConfigLoader("nbgrader_config.py", path=str(self.root / "course")).load_config()

    def command(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        """A command run in the course's folder."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root / "course",
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            **options,
        )

    def settings(self, *lines: str) -> None:
        """Further lines of configuration."""
        with (self.root / "course" / "nbgrader_config.py").open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(lines) + "\n")

    def submit(self, assignment: str, student: str, notebook: dict) -> None:
        folder = self.root / "course" / "submitted" / student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{assignment}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")

    def autograde(self, assignment: str, student: str, notebook: dict) -> Graded:
        self.submit(assignment, student, notebook)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own queries
            outcome = self.api.autograde(assignment, student, force=True, create=True)
        if not outcome["success"]:
            raise RuntimeError(outcome["log"] or outcome["error"])
        return self.graded(assignment, student, outcome["log"])

    def failed(self, assignment: str, student: str) -> list[str]:
        """Names of the cells that ended in an error when they were graded."""
        path = self.root / "course" / "autograded" / student / assignment / f"{assignment}.ipynb"
        ran = nbformat.read(path, as_version=4).cells
        return [
            c.metadata.nbgrader.grade_id for c in ran if any(o.output_type == "error" for o in c.get("outputs", []))
        ]

    def graded(self, assignment: str, student: str, log: str = "") -> Graded:
        """What stands in the gradebook."""
        with Gradebook(f"sqlite:///{self.root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
            grades = gradebook.find_submission(assignment, student).notebooks[0].grades
            waiting = [grade.name for grade in grades if grade.needs_manual_grade]
            points = {grade.name: grade.auto_score for grade in grades if not grade.needs_manual_grade}
        return Graded(points, waiting, log)
