"""A kernel in the sandbox: it computes, and that is all it can do."""

import json
import socket

import nbformat
import pytest

from advcourse.grading import sandbox
from advcourse.grading.autograde import SandboxedExecute
from tests.grading import bank

pytestmark = pytest.mark.skipif(sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}")

ATTEMPTS = """
import json, os, socket, subprocess, sys, tempfile
from pathlib import Path

ROOT, PORT, GRADEBOOK, OWN = {root!r}, {port}, {gradebook!r}, {own!r}


def attempt(action):
    try:
        action()
        return "done"
    except BaseException as error:
        return type(error).__name__


results = {{
    "torch": attempt(lambda: __import__("torch").ones(3).sum()),
    "package": attempt(lambda: __import__("advcourse.grading.checks")),
    "own tmp": attempt(lambda: Path(tempfile.gettempdir(), "x").write_text("x")),
    "own folder": attempt(lambda: Path("x").write_text("x")),
    "given file": attempt(lambda: Path("given.txt").read_text()),
    "local network": attempt(lambda: socket.create_connection(("127.0.0.1", PORT), 3)),
    "masters": attempt(lambda: Path(ROOT, "solutions").iterdir().__next__()),
    "submissions bank": attempt(lambda: Path(ROOT, "tests").iterdir().__next__()),
    "history": attempt(lambda: Path(ROOT, ".git").iterdir().__next__()),
    "gradebook": attempt(lambda: Path(GRADEBOOK).read_bytes()),
    "own notebook": attempt(lambda: Path(OWN).read_bytes()),
    "home": attempt(lambda: Path({home!r}, ".bashrc").read_text()),
    "package is writable": attempt(lambda: Path(ROOT, "advcourse", "x.py").write_text("x")),
    "system is writable": attempt(lambda: Path("/usr/x").write_text("x")),
    "root is writable": attempt(lambda: Path("/x").write_text("x")),
    "memory": attempt(lambda: bytearray(3 * 2**30)),
    "memory of torch": attempt(lambda: __import__("torch").zeros(3 * 2**28)),
    "environment": os.environ.get("A_SECRET", "absent"),
    "processes": sum(name.isdigit() for name in os.listdir("/proc")) < 10,
}}
print(json.dumps(results))
"""


def run(folder, *sources, **config):
    """Cells executed by the preprocessor of the course, in `folder`."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    step = SandboxedExecute(timeout=60)
    for owner, values in config.items():
        step.config[owner].update(values)
    return step.preprocess(notebook, {"metadata": {"path": str(folder)}})[0]


def test_what_a_submission_can_do(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "token")
    folder = tmp_path / "course" / "autograded" / "eve" / "a01"
    folder.mkdir(parents=True)
    own, gradebook = folder / "a01.ipynb", tmp_path / "course" / "gradebook.db"
    own.write_text("hidden tests")
    gradebook.write_text("marks")
    (folder / "given.txt").write_text("data that came with the assignment")
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = ATTEMPTS.format(
            root=str(bank.ROOT),
            port=server.getsockname()[1],
            gradebook=str(gradebook),
            own=str(own),
            home=str(sandbox.Path.home()),
        )
        (cell,) = run(folder, source, SandboxedKernelManager={"memory_limit": 2048}).cells
    results = json.loads(cell.outputs[0].text)
    allowed = ("torch", "package", "own tmp", "own folder", "given file")
    assert {name: results.pop(name) for name in allowed} == dict.fromkeys(allowed, "done")
    assert results.pop("environment") == "absent"
    assert results.pop("processes") is True
    assert results == {
        "local network": "ConnectionRefusedError",
        "masters": "FileNotFoundError",
        "submissions bank": "FileNotFoundError",
        "history": "FileNotFoundError",
        "gradebook": "FileNotFoundError",
        "own notebook": "FileNotFoundError",
        "home": "FileNotFoundError",
        "package is writable": "OSError",
        "system is writable": "OSError",
        "root is writable": "OSError",
        "memory": "MemoryError",
        "memory of torch": "RuntimeError",
    }
    assert not (folder / "x").exists()


def test_time_is_capped(tmp_path):
    """A cell that ignores interrupts ends with the kernel; the cells around it are run."""
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    cells = run(tmp_path, "print(1)", stubborn, "print(2)", SandboxedKernelManager={"cpu_limit": 4}).cells
    assert [cell.outputs[0].get("evalue", cell.outputs[0].get("text")) for cell in cells] == [
        "1\n",
        "the kernel died: too much memory or time, or the process was ended",
        "2\n",
    ]


SECRETS = """
from pathlib import Path

found = []
for file in Path("/proc").rglob("*"):
    try:
        if file.name in ("environ", "cmdline", "stat", "status", "maps", "mountinfo", "comm", "auxv"):
            found += [str(file)] if b"s3cret" in file.read_bytes() else []
    except OSError:
        pass
own = Path("/proc/1/environ").read_bytes()
print(found, own)
"""


def test_no_path_shows_the_environment(tmp_path, monkeypatch):
    """Neither process 1, which is bwrap itself, nor its command line holds what the sandbox was not given."""
    for name in ("A_TOKEN", "ADVCOURSE_TOKEN", "LC_TOKEN", "s3cret_NAME"):
        monkeypatch.setenv(name, "s3cret")
    (cell,) = run(tmp_path, SECRETS).cells
    assert cell.outputs[0].text == "[] b''\n"


def test_shared_memory_is_bounded(tmp_path):
    fill = """
def fill(place):
    try:
        with open(place, "wb") as file:
            for _ in range(20):
                file.write(bytes(2**24))
    except OSError as error:
        return error.strerror
for place in ("/dev/shm/x", "/dev/x", "x"):
    print(fill(place))
"""
    (cell,) = run(tmp_path, fill).cells
    full, refused = "No space left on device", "Read-only file system"
    assert cell.outputs[0].text.splitlines() == [full, refused, full]
