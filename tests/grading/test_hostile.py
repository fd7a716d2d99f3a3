"""Submissions that mean harm get what they are worth, read nothing, stop nothing and put nothing on a page."""

import contextlib
import dataclasses
import json
import os
import secrets
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import torch

from advcourse.grading import sandbox, trial, workers
from advcourse.grading.peer import Peer
from advcourse.grading.trial import Stage
from advcourse.grading.wire import Wire, WireError
from advcourse.grading.workers import Bounds
from tests.grading import bank, hostile, hostile_gains

pytestmark = pytest.mark.skipif(sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}")
TABLE = hostile.table()
HIDDEN = ("BEGIN HIDDEN TESTS", "fgsm on three classes, ε", "you counted all five images")
ALIVE = ("<script", "<img", "<svg", "<iframe", "<details", "](javascript", r"\href", r"\mmlToken")


def processes(box):
    """How many there are of a sandbox."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, more = set(), {box.process.pid}
    while more:
        found |= more
        more = {number for number, parent in parents.items() if parent in more} - found
    return len(found)


def answering(place, word):
    """A server that says the word to whoever comes."""
    server = socket.create_server(place) if isinstance(place, tuple) else socket.socket(socket.AF_UNIX)
    if not isinstance(place, tuple):
        server.bind(place)
        server.listen()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                with server.accept()[0] as connection:
                    connection.sendall(word.encode())

    threading.Thread(target=serve, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A word that nobody may read: in the environment, in files of a course and of a home, behind sockets."""
    word = f"secret-{secrets.token_hex(8)}"
    course, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    for path in (course / "gradebook.db", course / "submitted" / "ada" / "a01.ipynb", home / ".ssh" / "id_ed25519"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(word)
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("ADVCOURSE_TOKEN", "LC_TOKEN", word):
            patch.setenv(name, word)
        server = stack.enter_context(answering(("127.0.0.1", 0), word))
        for place in (f"\0{course}", str(course / "socket")):
            stack.enter_context(answering(place, word))
        yield hostile.Places(word, home, course, server.getsockname()[1])


@pytest.fixture(scope="module")
def box(places):
    with hostile.boxed() as made:
        made.child(60).stop()
        yield made


@pytest.fixture(scope="module")
def before(box):
    return processes(box), len(os.listdir("/proc/self/fd")), torch.is_grad_enabled(), torch.get_default_dtype()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}: {row.name}")
def test_each_gets_what_it_is_worth_and_nothing_else(row, box, before, places):
    got = hostile.grade(box, row, places)
    assert got.points == row.expected()
    assert row.says in got.said and row.why in got.why
    shown = f"{got.said} {got.why} {' '.join(got.words)}"
    assert places.secret not in shown
    assert not [words for words in HIDDEN if words in got.said]
    assert all(len(word) < 400 and "\n" not in word for word in got.words)
    harmless(got.notebook)


def harmless(notebook):
    """What is stored holds text and PNG, no tag in what is written, nothing in the metadata that a student set."""
    assert set(notebook.metadata) == {"kernelspec", "language_info"} and notebook.metadata.kernelspec.name == "python3"
    released = {cell["id"]: "".join(cell["source"]) for cell in bank.released("a01_ifgsm")["cells"]}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"nbgrader", "advcourse"} and cell.cell_type in ("code", "markdown")
        if cell.cell_type == "markdown" and cell.source != released.get(cell.id):
            assert not [word for word in ALIVE if word in cell.source]
            assert all(set(each) == {"image/png"} for each in cell.get("attachments", {}).values())
        for output in cell.get("outputs", []):
            assert set(output.get("data", {})) <= {"text/plain", "image/png"} and not output.get("metadata")
            assert len(json.dumps(output)) < 500_000


def test_nothing_is_left_of_them(box, before, places):
    """The sandbox grades on; no process, descriptor or setting is left."""
    whole = dataclasses.replace(hostile.Hostile("gain", "an honest one"), whole=True)
    assert hostile.grade(box, whole, places).points == bank.full_marks("a01_ifgsm")
    for _ in range(100):
        if processes(box) <= before[0]:
            break
        time.sleep(0.1)
    assert processes(box) <= before[0] and len(os.listdir("/proc/self/fd")) <= before[1]
    assert (torch.is_grad_enabled(), torch.get_default_dtype()) == before[2:]


def test_the_table_is_large_enough():
    kinds = Counter(row.kind for row in TABLE)
    assert len(TABLE) >= 60 and len({row.name for row in TABLE}) == len(TABLE)
    assert f"grades {len(TABLE)} that" in (bank.ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    assert set(kinds) == set(hostile.KINDS) and min(kinds.values()) >= 12
    assert all(row.says for row in TABLE if row.kind == "read")


def test_of_an_environment_of_python_in_the_course_only_its_parts_are_shown(monkeypatch, tmp_path):
    """``python -m venv .`` in the course makes its root the prefix of Python."""
    for name in ("bin", "lib", "solutions", "course", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "pyvenv.cfg").touch()
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    shown = [path for path in sandbox.readable() if path.is_relative_to(tmp_path)]
    assert shown == [tmp_path / "bin", tmp_path / "lib", tmp_path / "pyvenv.cfg"]


# -- through nbgrader

BY_NBGRADER = (
    "points, tags and outputs in the metadata",
    "a written answer",
    "metadata, outputs and cells of its own",
    "the name and the text of an error in an answer",
    "the name and the text of an error in a cell",
    "by hand: a script as a service",
    "signals to itself and to all others",
)


@pytest.mark.parametrize("name", BY_NBGRADER)
def test_nbgrader_gives_the_same_and_a_page_without_a_script(course, places, name):
    row = dataclasses.replace(next(row for row in TABLE if row.name == name), whole=True)
    student = f"hostile{BY_NBGRADER.index(name)}"
    graded = course.autograde(row.assignment, student, hostile.handed_in(row, places))
    assert graded.points == row.expected() and graded.waiting == bank.manual_cells(row.assignment)
    place = course.root / "course" / "autograded" / student / row.assignment / f"{row.assignment}.ipynb"
    harmless(nbformat.read(place, as_version=4))
    outcome = course.api.generate_feedback(row.assignment, student)
    assert outcome["success"], outcome["log"]
    page = course.root / "course" / "feedback" / student / row.assignment / f"{row.assignment}.html"
    html = page.read_text(encoding="utf-8")
    assert "<script>alert" not in html and "<img src=x" not in html and 'href="javascript:' not in html
    assert not any(words in html for words in HIDDEN[:2])


# -- the conversation


def far(talk, seconds=0.3):
    """The end that grades, and a thread that talks at the other."""
    ours, theirs = socket.socketpair()
    peer = Peer(Wire(ours), trusted=True, seconds=seconds)
    threading.Thread(target=talk, args=(theirs,), daemon=True).start()
    return peer


def test_a_frame_that_drips_is_late():
    def drip(connection):
        with contextlib.suppress(OSError):
            connection.sendall(b"\0\0\1\0")
            while True:
                connection.sendall(b" ")
                time.sleep(0.02)

    start = time.monotonic()
    with pytest.raises(WireError, match="nothing came in 0 s"):
        far(drip).ask("call")
    assert time.monotonic() - start < 2


def test_requests_without_end_are_late_all_together():
    text = json.dumps([["next", True, [], ["list", [["known", "t1"]]]], []]).encode()

    def ask(connection):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(len(text).to_bytes(4) + text)
                connection.recv(2**16)

    peer, start = far(ask), time.monotonic()
    peer.add(iter(int, 1))
    with pytest.raises(WireError, match="no answer came in 0 s"):
        peer.ask("call")
    assert time.monotonic() - start < 2


def test_a_submission_that_asks_a_million_times_is_bounded_by_the_total(box):
    """Each answer is in time, the cell is in time."""
    source = (
        hostile_gains.PEER + "\n\ndef f():\n    for _ in range(100):\n        attempt(lambda: peer().ask('next', 1))"
    )
    about = {"grade": True, "solution": False, "locked": True, "points": 1, "schema_version": 3, "task": False}
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source), nbformat.v4.new_code_cell("for _ in range(10**4):\n    f()")]
    )
    made.cells[0].metadata = {"nbgrader": about | {"grade_id": "f", "grade": False, "solution": True, "locked": False}}
    made.cells[1].metadata = {"nbgrader": about | {"grade_id": "test_f"}}
    start = time.monotonic()
    trial.Trial(made, lambda: box.child(20), total=1, log=hostile.LOG).run()
    assert time.monotonic() - start < 10
    assert "the submission had taken 1 s" in made.cells[1].outputs[-1].evalue


@pytest.fixture
def student(box):
    """``student(source)`` runs a cell and gives where tests run, with stand-ins for the names given."""
    children = []

    def define(source, *names):
        children.append(box.child(3))
        stage = Stage(children[-1].peer, list(names), list(names))
        stage.run(source)
        return stage

    yield define
    for child in children:
        child.stop()


def test_a_test_that_expects_an_error_is_lost_with_the_process(student):
    stage = student("import os\n\n\ndef f():\n    os._exit(1)", "f")
    with pytest.raises(WireError, match="has ended"):
        stage.test("try:\n    f()\nexcept Exception:\n    pass")


def test_no_error_of_an_answer_ends_a_loop_of_the_test(student):
    stage = student("def f(x):\n    raise StopIteration", "f")
    (output,) = stage.test("assert all(map(f, [1, 2]))\nassert list(map(f, [1])) == []")
    assert output.ename == "Exception"


def test_texts_of_errors_are_cut_and_stay_text(student):
    stage = student("def f():\n    raise ValueError('<b>' * 10**6)", "f")
    (output,) = stage.test("f()")
    assert output.ename == "ValueError" and len(output.evalue) <= 4000 and output.evalue.startswith("<b><b>")
    told = "['raise', True, [], ['list', [['list', ['builtins.ValueError']], 'x' * 7_000_000, None]]]"
    stage = student(f"{hostile_gains.FORGE}\n\ndef f():\n    forge({told})", "f")
    (output,) = stage.test("f()")
    assert output.ename == "ValueError" and len(output.evalue) == 4000


def test_a_truth_value_is_true_or_false(student):
    source = hostile_gains.FORGE + (
        "\n\ndef f():\n    forge(['answer', True, [], ['result', ['bool', [3], None, 0], False]], bytes([0, 2, 255]))"
        "\n\ndef g():\n    forge(['answer', True, [], ['array', '|b1', [3], 0]], bytes([0, 2, 255]))"
    )
    for name, array in {"f": "f().numpy()", "g": "g()"}.items():
        stage = student(source, name)
        assert stage.test(f"x = {array}\nassert x.dtype == bool and x.tobytes() == bytes([0, 1, 1])") == []


def test_a_sandbox_that_was_ended_is_replaced(monkeypatch):
    monkeypatch.setattr(workers, "_sandbox", [])
    workers._start(Bounds(timeout=20, memory=1024))
    made = workers._sandbox[0][0]
    made.process.kill()
    made.process.wait()
    made.control.shutdown(socket.SHUT_RDWR)  # its end is noticed a moment later otherwise
    child = workers._child()
    assert child.peer.ask("run", "1")["passed"] and workers._sandbox[0][0] is not made
    child.stop()
    workers._sandbox[0][0].close()
