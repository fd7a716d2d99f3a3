"""The nbgrader course. Run nbgrader's commands from this folder; see instructor_guide.md."""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.converters import Autograde
from nbgrader.preprocessors import DeduplicateIds, Execute, GetGrades

from advcourse.grading.autograde import HideHiddenTests, RepairCells, SandboxedExecute

ROOT = Path(__file__).resolve().parents[1]

# nbgrader starts ``alembic`` by its name.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "advcourse"
c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "course/submitted"
c.CourseDirectory.autograded_directory = "course/autograded"
c.CourseDirectory.feedback_directory = "course/feedback"
c.CourseDirectory.db_url = f"sqlite:///{ROOT / 'course' / 'gradebook.db'}"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.bak"]

# Files from a learning platform: course/downloaded/ASSIGNMENT/archive/STUDENT_…ASSIGNMENT….ipynb, or zips of them.
c.ZipCollectApp.downloaded_directory = "course/downloaded"
c.FileNameCollectorPlugin.named_regexp = (
    r"(?:.*/)?(?P<student_id>[^/_]+)_(?:[^/]*_)?(?P<file_id>a\d\d_[a-z0-9_]*[a-z0-9])[^/]*$"
)

c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}

# Submissions: repaired first, run in the sandbox, each cell within a minute.
c.Autograde.sanitize_preprocessors = [
    RepairCells if step is DeduplicateIds else step for step in Autograde.sanitize_preprocessors.default_args[0]
]
c.Autograde.autograde_preprocessors = [
    SandboxedExecute if step is Execute else step for step in Autograde.autograde_preprocessors.default_args[0]
]
c.OverwriteCells.add_missing_cells = True
c.Execute.timeout = 60
c.Execute.shutdown_kernel = "immediate"
c.SandboxedKernelManager.memory_limit = 4096
c.SandboxedKernelManager.cpu_limit = 600

# Feedback: without the hidden tests.
c.GenerateFeedback.preprocessors = [GetGrades, HideHiddenTests, CSSHTMLHeaderPreprocessor]

# How late a submission is, extensions considered, stands in the gradebook; "zero" instead of "none" takes the points.
c.LateSubmissionPlugin.penalty_method = "none"
