import pytest

from advcourse.grading import sandbox
from tests.grading import bank
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
