"""The nbgrader course. Run nbgrader's commands from this folder; see instructor_guide.md."""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades

from advcourse.grading import autograde
from advcourse.grading.export import GradesPlugin
from advcourse.grading.feedback import FeedbackInWords

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

c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}

# Submissions: made anew from the release, run in the sandbox, each cell within a minute, controls first.
autograde.install()
c.TrialExecute.timeout = 60
c.TrialExecute.total = 600
c.TrialExecute.memory_limit = 4096
c.TrialExecute.cpu_limit = 600

# Feedback: what failed in words, escaped once more, without the hidden tests.
c.GenerateFeedback.preprocessors = [
    GetGrades,
    FeedbackInWords,
    autograde.EscapeFeedback,
    autograde.HideHiddenTests,
    CSSHTMLHeaderPreprocessor,
]

# Grades as CSV: what nobody has graded is empty, not 0.
c.ExportApp.plugin_class = GradesPlugin

# How late a submission is, extensions considered, stands in the gradebook; "zero" instead of "none" takes the points.
c.LateSubmissionPlugin.penalty_method = "none"
