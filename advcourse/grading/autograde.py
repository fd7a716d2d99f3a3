"""What this course changes in nbgrader's autograding and feedback; ``course/nbgrader_config.py`` puts it in place."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import converters
from nbgrader.api import Gradebook
from nbgrader.apps import api, autogradeapp
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets import Bool, Float, Int, List, default

from advcourse.grading import again, cells, controls, matching, pages, preflight, sandbox
from advcourse.grading.draws import secret_of
from advcourse.grading.marks import escaped, is_test
from advcourse.grading.rebuild import rebuild
from advcourse.grading.roster import STUDENT
from advcourse.grading.workers import Bounds, Workers, workers

Resources = dict[str, Any]
HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*(\n|\Z)", re.DOTALL | re.MULTILINE)
UNFINISHED = ".unfinished"


class TrialExecute(NbGraderPreprocessor):
    """Runs a submission's cells in the sandbox and the tests outside it; what a cell does costs that cell at most."""

    timeout = Float(60, help="Seconds of processor time for one cell, or for one answer to a test.").tag(config=True)
    total = Float(600, help="Seconds of processor time for all cells of a submission.").tag(config=True)
    memory_limit = Int(4096, help="MiB of private memory for each process of a submission.").tag(config=True)
    cpu_limit = Int(600, help="Seconds of processor time for each process of a submission.").tag(config=True)
    workers = Int(help="Submissions that are run at once; by default one for each processor.").tag(config=True)
    unsafe = False

    @default("workers")
    def _one_for_each_processor(self) -> int:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        self.check_place()
        folder, course = resources.get("metadata", {}).get("path", ""), None
        if "nbgrader" in resources:
            course = self.parent.parent.coursedir
            folder = master_folder(course, resources["nbgrader"]["assignment"])
        student = resources.get("nbgrader", {}).get("student", "the submission")
        for words in self.pool(folder, course).run(nb):
            self.log.warning("%s: %s", student, words)
        return nb, resources

    def pool(self, folder: str, course: Any = None) -> Workers:
        """The processes that run submissions, with the files of that folder beside them."""
        secret = ""
        if course is not None:
            with Gradebook(course.db_url, course.course_id) as gradebook:
                secret = secret_of(gradebook)
        beside = folder if folder and any(path.suffix != ".ipynb" for path in Path(folder).iterdir()) else ""
        limits = (self.timeout, self.total, self.memory_limit, self.cpu_limit)
        bounds = Bounds(*limits, self.unsafe, beside, Path(folder).name, secret)
        return workers(bounds, self.workers)

    def check_place(self) -> None:
        """Raises where there is no sandbox."""
        if (reason := sandbox.unavailable()) is not None:
            raise NbGraderException(
                f"no sandbox to grade in: {reason}. To run submissions with all your rights: "
                "python -m advcourse.grading grade ASSIGNMENT --unsafe"
            )


class UnsafeExecute(TrialExecute):
    """Runs a submission with all the rights of the person who grades; only ``--unsafe`` asks for it."""

    unsafe = True

    def check_place(self) -> None:
        self.log.warning("Submissions run with all your rights, without a sandbox.")


class Escape(NbGraderPreprocessor):
    """Outputs become text and PNG; a test cell's partial credit is a number from 0 to its points."""

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if cell.cell_type == "code":
            cell.outputs = escaped(cell)
        return cell, resources


class HideHiddenTests(NbGraderPreprocessor):
    """Takes hidden tests out of what a student gets back: their source, and tracebacks that quote them.

    The last line of an error stays: the message that says what is wrong.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if cell.cell_type == "code" and is_test(cell):
            hidden = HIDDEN.search(cell.source)
            cell.source = HIDDEN.sub("", cell.source)
            for output in cell.outputs:
                if hidden and output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


class Autograde(converters.Autograde):
    """nbgrader's converter, on notebooks made anew, with controls first, and with work done aside.

    A submission is worked on in ``autograded/.unfinished`` and moved to its place when its grades are committed: a run
    that was killed leaves nothing that the next one would skip.
    """

    sanitize_preprocessors = List([OverwriteKernelspec, OverwriteCells, CheckCellMetadata])
    autograde_preprocessors: List = List([])
    controls = Bool(True, help="Whether master, stub and a cheat are graded first, and the run refused if one fails.")
    controls.tag(config=True)
    aside = False
    converting = False
    asked = finished = left = 0

    def __init__(self, coursedir: Any = None, *, unsafe: bool = False, **kwargs: Any):
        super().__init__(coursedir=coursedir, **kwargs)
        self.executor = UnsafeExecute if unsafe else TrialExecute
        self.autograde_preprocessors = [
            self.executor,
            Escape,
            SaveAutoGrades,
            LimitOutput,
            AssignLatePenalties,
            CheckCellMetadata,
        ]

    def is_unsafe(self) -> bool:
        """Whether submissions run without a sandbox."""
        return self.executor is UnsafeExecute

    @property
    def _input_directory(self) -> str:
        return self._output_directory if self.converting else str(self.coursedir.submitted_directory)

    @property
    def _output_directory(self) -> str:
        directory = str(self.coursedir.autograded_directory)
        return os.path.join(directory, UNFINISHED) if self.aside else directory

    def convert_notebooks(self) -> None:
        """Grade the controls, if anything is to be graded, then everything that is due."""
        assignment = self.coursedir.assignment_id
        students = self.students()
        due = [student for student in students if self.due(assignment, student)]
        self.asked, self.left = len(due), len(students) - len(due)
        if due:
            executor = self.executor(parent=self.parent)
            executor.check_place()
            try:
                executor.pool(master_folder(self.coursedir, assignment), self.coursedir).check()
            except (RuntimeError, OSError) as error:
                raise NbGraderException(f"nothing was graded: {error}") from error
        if self.controls and due:
            controls.must_pass(self, assignment)
        self.aside = True
        self.begin(assignment, due)
        super().convert_notebooks()

    def begin(self, assignment: str, due: list[str]) -> None:
        """Have the workers begin with all that is due, in the order in which it will be asked for."""
        course = self.coursedir
        pool = self.executor(parent=self.parent).pool(master_folder(course, assignment), course)
        with Gradebook(course.db_url, course.course_id) as gradebook:
            for student in due:
                for file in sorted(Path(self._format_source(assignment, student)).glob("*.ipynb")):
                    with contextlib.suppress(Exception):  # what cannot be read is told when its turn comes
                        built = rebuild(cells.load(file), read_release(course, assignment, file.stem))
                        sources = gradebook.find_notebook(file.stem, assignment).source_cells
                        pool.submit(with_tests(built, {cell.name: cell.source for cell in sources if cell.locked}))

    def students(self) -> list[str]:
        pattern = self._format_source("(?P<assignment_id>.*)", "(?P<student_id>.*)", escape=True)
        found = (re.match(pattern, folder) for folder in self.assignments)
        return [match["student_id"] for match in found if match]

    def due(self, assignment: str, student: str) -> bool:
        """Whether a submission is to be graded: never graded yet, or handed in anew, or asked for by ``--force``."""
        if student in self.coursedir.student_id_exclude.split(","):
            return False
        place = self.place(assignment, student)
        now = self.coursedir.get_existing_timestamp(self._format_source(assignment, student))
        then = self.coursedir.get_existing_timestamp(str(place))
        newer = now is not None and (then is None or now > then)
        return bool(self.force or newer or not any(place.glob("*.ipynb")))

    def place(self, assignment: str, student: str) -> Path:
        """Where a graded submission lies in the end."""
        directory = self.coursedir.autograded_directory
        return Path(os.path.normpath(self.coursedir.format_path(directory, student, assignment)))

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        if not self.due(assignment_id, student_id):
            self.log.info("Skipping existing assignment: %s", self.place(assignment_id, student_id))
            return False
        if not STUDENT.fullmatch(student_id):
            raise NbGraderException(f"student {student_id!r} has an odd name: letters, digits and . @ + - are shown")
        source = Path(self._format_source(assignment_id, student_id))
        if links := [path.name for path in source.rglob("*") if path.is_symlink()]:
            raise NbGraderException(f"{source} holds links to other files: {', '.join(links)}")
        shutil.rmtree(self._format_dest(assignment_id, student_id), ignore_errors=True)
        return True

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        super().init_assignment(assignment_id, student_id)
        folder = Path(self._format_dest(assignment_id, student_id))
        master = Path(self.coursedir.format_path(self.coursedir.source_directory, ".", assignment_id))
        wanted = {"timestamp.txt", *self.exclude_overwriting.get(assignment_id, [])}
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            name = path.relative_to(folder)
            if not (master / name).is_file() and str(name) not in wanted:
                path.unlink()  # files of a student would be served by the formgrader

    def convert_single_notebook(self, notebook_filename: str) -> None:
        file, resources = Path(notebook_filename), self.init_single_notebook_resources(notebook_filename)
        about = resources["nbgrader"]
        released = read_release(self.coursedir, about["assignment"], about["notebook"])
        submitted = cells.load(file)
        for problem in preflight.inspect(submitted, matching.outline(released)):
            self.log.warning("%s: %s", about["student"], problem)
        built = rebuild(submitted, released)
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            before = self.place(about["assignment"], about["student"]) / file.name
            marked = again.marked_before(gradebook, about["assignment"], about["student"], built, before)
        self.converting = True
        try:
            folder = Path(self._format_dest(about["assignment"], about["student"]))
            folder.mkdir(parents=True, exist_ok=True)
            nbformat.write(built, folder / file.name)
            super().convert_single_notebook(str(folder / file.name))
        finally:
            self.converting = False
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            again.keep_marked(gradebook, about["assignment"], about["student"], file.stem, marked)

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """The last step of a submission: its grades are committed, now it takes its place."""
        super().set_permissions(assignment_id, student_id)
        place = self.place(assignment_id, student_id)
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._format_dest(assignment_id, student_id), place)
        self.finished += 1


class EscapeFeedback(NbGraderPreprocessor):
    """What is not from the released notebook, escaped, where a feedback page is made of an older autograded one."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        nb.metadata.pop("widgets", None)
        about = resources["nbgrader"]
        released = read_release(self.parent.parent.coursedir, about["assignment"], about["notebook"])
        given = {cell.source for cell in released.cells}
        for cell in nb.cells:
            cell.metadata = {key: value for key, value in cell.metadata.items() if key == "nbgrader"}
            if cell.cell_type == "code":
                Escape().preprocess_cell(cell, resources, 0)
            elif cell.source not in given:
                cell.cell_type = "markdown"
                cell.source, cell.attachments = pages.written(cell.source, cell.get("attachments"))
        return nb, resources


def read_release(coursedir: Any, assignment: str, notebook: str) -> NotebookNode:
    """The student version of an assignment, as it was handed out."""
    folder = coursedir.format_path(coursedir.release_directory, ".", assignment)
    return nbformat.read(os.path.join(folder, f"{notebook}.ipynb"), as_version=4)


def with_tests(built: NotebookNode, locked: dict[str, str]) -> NotebookNode:
    """The notebook with the master's locked cells, hidden tests among them."""
    for cell in built.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = locked.get(name, cell.source)
    return built


def master_folder(coursedir: Any, assignment: str) -> str:
    """Where the master of an assignment lies."""
    return str(Path(coursedir.format_path(coursedir.source_directory, ".", assignment)).resolve())


def install() -> None:
    """Has nbgrader's command, its API and the formgrader use ``Autograde``; they offer no setting for it."""
    autogradeapp.Autograde = api.Autograde = Autograde
