import pytest

from advcourse.grading import sandbox
from tests.grading import bank
from tests.grading.classes import PaperClass, a_few_dozen
from tests.grading.course import Course
from tests.grading.small import SmallCourse


def without_controls(course):
    """Controls have tests of their own; here they would be graded for every course and worker."""
    if sandbox.unavailable() is not None:
        pytest.skip(f"no sandbox here: {sandbox.unavailable()}")
    course.api.config.Autograde.controls = False
    return course


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    return without_controls(Course(tmp_path_factory.mktemp("course"), bank.assignments()))


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    return without_controls(SmallCourse(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="session")
def paper(tmp_path_factory):
    """36 students on paper; tests that change something copy it."""
    made = PaperClass(tmp_path_factory.mktemp("paper") / "root")
    made.add(a_few_dozen(), s03={"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org"})
    return made


@pytest.fixture
def own(paper, tmp_path):
    """A copy of the class on paper, to be changed."""
    return paper.copied(tmp_path / "root")
