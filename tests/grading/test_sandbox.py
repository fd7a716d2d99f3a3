"""A kernel in the sandbox: it computes, and that is all it can do."""

import json
import socket

import nbformat
import pytest
from nbgrader.preprocessors import Execute

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
    step = SandboxedExecute(sandbox="required", timeout=60)
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
    assert [cell.outputs[0].get("ename", cell.outputs[0].get("text")) for cell in cells] == [
        "1\n",
        "DeadKernelError",
        "2\n",
    ]


def test_an_interrupt_does_not_end_the_kernel(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(s) for s in ("x = 1", "while True:\n    pass", "print(x)")]
    )
    step = SandboxedExecute(sandbox="required", timeout=5)
    cells = step.preprocess(notebook, {"metadata": {"path": str(tmp_path)}})[0].cells
    assert "KeyboardInterrupt" in [output.get("ename") for output in cells[1].outputs]
    assert cells[2].outputs[0].text == "1\n"


def test_off_and_required(monkeypatch):
    assert SandboxedExecute(sandbox="off").kernel_manager_class is Execute().kernel_manager_class
    monkeypatch.setattr(sandbox, "unavailable", lambda: "not on this system")
    assert SandboxedExecute(sandbox="auto").kernel_manager_class is Execute().kernel_manager_class
    with pytest.raises(RuntimeError, match="not on this system"):
        SandboxedExecute(sandbox="required")
