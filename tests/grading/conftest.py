import pytest

from tests.grading import bank
from tests.grading.course import Course


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    return Course(tmp_path_factory.mktemp("course"), bank.assignments())
