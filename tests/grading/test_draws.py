"""Inputs of hidden tests: foreseen by nobody, and the same when a course is graded again."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from nbgrader.api import Gradebook

from advcourse.grading import draws, sandbox, workers
from tests.grading.bank import ROOT
from tests.grading.small import NAME, find

needs_sandbox = pytest.mark.skipif(
    sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}"
)

SHOWING = """from advcourse.grading import draws

print("drew", draws.unseen().initial_seed(), draws.unseen().initial_seed())
assert double(3) == 6"""


def seeds(secret, name, count=4):
    with draws.drawn_from(secret, name):
        return [draws.unseen().initial_seed() for _ in range(count)]


def test_one_secret_gives_one_sequence_to_each_cell():
    assert seeds("a", "test_x") == seeds("a", "test_x")
    found = [seeds("a", "test_x"), seeds("a", "test_y"), seeds("b", "test_x")]
    assert len({seed for each in found for seed in each}) == 12


def test_a_cell_that_is_run_again_begins_anew_and_leaves_the_outer_sequence():
    with draws.drawn_from("a", "test_x"):
        first = draws.unseen().initial_seed()
        assert seeds("a", "test_x")[0] == first
        assert draws.unseen().initial_seed() == seeds("a", "test_x")[1]


def test_without_a_secret_it_is_another_at_every_call():
    assert len(set(seeds("", "test_x", 40))) > 30
    assert draws.unseen().initial_seed() != draws.unseen().initial_seed() != draws.unseen().initial_seed()


def test_numbers_come_from_the_seed_and_global_randomness_is_left_alone():
    state = torch.get_rng_state()
    generator = draws.unseen()
    again = torch.Generator().manual_seed(generator.initial_seed())
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=again))
    assert torch.equal(state, torch.get_rng_state())
    assert 0 <= generator.initial_seed() < draws.BELOW


def test_a_gradebook_keeps_its_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader starts alembic
    found = []
    for name in ("one", "one", "two"):
        with Gradebook(f"sqlite:///{tmp_path / name}.db") as gradebook:
            found.append(draws.secret_of(gradebook))
            gradebook.update_or_create_student("ada")  # nbgrader's own tables are as they were
    assert found[0] == found[1] != found[2]
    assert len(found[0]) == 32


def test_two_processes_that_ask_first_at_once_agree(tmp_path, monkeypatch):
    """The other one asks between this one's look and its writing."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    url, others = f"sqlite:///{tmp_path / 'both.db'}", []
    with Gradebook(url) as one, Gradebook(url) as other:
        execute = one.db.execute

        def interrupted(statement, *given):
            if "INSERT" in str(statement):
                others.append(draws.secret_of(other))
            return execute(statement, *given)

        monkeypatch.setattr(one.db, "execute", interrupted)
        assert [draws.secret_of(one)] == others


@needs_sandbox
def test_a_course_draws_the_same_for_everybody_and_again_after_all_has_ended(small):
    """Drawn in the test's process: what a student's cell prints there is not the course's."""
    source = small.root / "solutions" / NAME / f"{NAME}.ipynb"
    before = source.read_text()
    master = json.loads(before)
    find(master, "test_negative")["source"] = SHOWING
    try:
        source.write_text(json.dumps(master))
        assert small.api.generate_assignment(NAME, force=True, create=True)["success"]
        said = []
        peeking = "from advcourse.grading import draws\nprint(draws.unseen().initial_seed())\ndouble = lambda x: 2 * x"
        for student, answer in (("draw-a", None), ("draw-b", None), ("draw-c", peeking)):
            small.grade(student, small.answered(**({"double": answer} if answer else {})))
            said.append(_printed(small, student, "test_negative"))
            workers.end()
        assert said[0].startswith("drew ")
        assert said[0] == said[1] == said[2]
        assert _printed(small, "draw-c", "double").strip() not in said[0].split()
    finally:
        source.write_text(before)
        assert small.api.generate_assignment(NAME, force=True, create=True)["success"]


def _printed(course, student, name):
    (cell,) = (cell for cell in course.autograded(student).cells if cell.get("id") == name)
    return "".join(output.get("text", "") for output in cell.outputs)


def test_no_master_draws_past_the_course():
    """A hidden test that seeds itself from the machine could give one answer two results."""
    found = [path.stem for path in (ROOT / "solutions").glob("*/*.ipynb") if ".seed()" in path.read_text()]
    assert found == []
