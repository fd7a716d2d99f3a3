"""A cell costs itself at most: what hangs, floods, stops or ends its kernel leaves the other cells their run."""

import nbformat
import pytest
from nbgrader.converters.base import NbGraderException

from advcourse.grading import kernel, sandbox
from advcourse.grading.autograde import Autograde, SandboxedExecute, UnsafeExecute
from tests.grading.small import FULL

pytestmark = pytest.mark.skipif(sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}")


def run(folder, *sources, **bounds):
    """The outputs of the cells, each as a list of what it said: text, or the name of the error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    SandboxedExecute(**({"timeout": 1, "total": 60} | bounds)).preprocess(notebook, {"metadata": {"path": str(folder)}})
    said = [[o.get("ename") or o.get("text") or o.data["text/plain"] for o in cell.outputs] for cell in notebook.cells]
    return said, notebook


STUBBORN = {
    "C that does not return": "import ctypes\nctypes.CDLL(None).pause()\nwhile True: ctypes.CDLL(None).pause()",
    "sleeps on": "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass",
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "ends itself": "import os\nos._exit(1)",
    "closes everything": "import os\nos.closerange(0, 256)",
}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(kernel, "GRACE", 1.0)


def test_each_costs_itself(tmp_path):
    """All of them in one submission, with cells between that count up: every one of those is run."""
    sources = ["n = 0"]
    for source in STUBBORN.values():
        sources += [source, "n += 1\nprint(n)"]
    said, notebook = run(tmp_path, *sources, total=200)
    assert said[2::2] == [[f"{number}\n"] for number in range(1, len(STUBBORN) + 1)]
    for words in said[1::2]:
        assert words[-1] in ("NotRun", "MemoryError")


def test_an_endless_loop_is_interrupted_and_the_kernel_lives_on(tmp_path):
    said, _ = run(tmp_path, "x = 1", "x += 1\nwhile True:\n    pass", "print(x)")
    assert said[1] == ["KeyboardInterrupt", "NotRun"] and said[2] == ["2\n"]


FLOODS = {
    "prints": "while True:\n    print('x' * 10**6)",
    "displays": "from IPython.display import display\nwhile True:\n    display('x')",
    "messages of no session": (
        "k = get_ipython().kernel\nwhile True:\n    k.iopub_socket.send_multipart([b'garbage', b'<IDS|MSG>', b'x'])"
    ),
}


def test_floods_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "GRACE", 5.0)  # as it is: what is left of a flood comes before the next cell's words
    monkeypatch.setattr(kernel, "MOST_RECEIVED", 4 * 2**20)
    monkeypatch.setattr(kernel, "MOST_KEPT", 2**20)
    sources = ["n = 0"]
    for source in FLOODS.values():
        sources += [source, "n += 1\nprint(n)"]
    said, notebook = run(tmp_path, *sources, timeout=2, total=200)
    assert said[2::2] == [[f"{number}\n"] for number in range(1, len(FLOODS) + 1)]
    for words in said[1::2]:
        assert words[-1] == "NotRun" and sum(map(len, words)) < 2 * 2**20


def test_much_output_costs_nothing_but_what_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "MOST_KEPT", 2**16)
    said, _ = run(
        tmp_path,
        "for _ in range(40):\n    print('x' * 10**4)",
        "for _ in range(40):\n    print('x' * 10**4)\n1 / 0",
        "import sys\nfor _ in range(40):\n    print('x' * 10**4)\nprint('late', file=sys.stderr)",
        "for i in range(900):\n    display(i)",
        "print('end')",
        timeout=20,
    )
    assert said[0][-1].endswith("the rest of the output was left out\n") and len(said[0]) == 1
    assert said[1][-1] == "ZeroDivisionError" and said[2][-1] == "late\n"
    assert said[3][-1].endswith("left out\n") and said[4] == ["end\n"]


def test_all_cells_together_are_bounded(tmp_path):
    said, _ = run(tmp_path, "print(1)", *["import time\ntime.sleep(1)\nprint(2)"] * 9, timeout=30, total=5)
    assert said[0] == ["1\n"] and said[1] == ["2\n"] and said[-1] == ["NotRun"]


WARNS = """
import sys
from IPython.display import clear_output
print(1, flush=True)
print("a word", file=sys.stderr, flush=True)
clear_output()
print(2)
"""


def test_an_output_that_costs_points_cannot_be_taken_back(tmp_path):
    said, _ = run(tmp_path, WARNS)
    assert said == [["a word\n", "2\n"]]


def test_without_a_sandbox_by_name_alone(monkeypatch, tmp_path, caplog):
    """Where there is no sandbox nothing runs, and no setting changes that; the other class says what it does."""
    monkeypatch.setattr(sandbox, "unavailable", lambda: "not on this system")
    with pytest.raises(NbGraderException, match="no sandbox to grade in: not on this system.*--unsafe"):
        run(tmp_path, "print(1)")
    assert set(SandboxedExecute.class_trait_names(config=True)) & {"sandbox", "manager", "unsafe"} == set()
    assert "unsafe" not in Autograde.class_trait_names()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    UnsafeExecute().preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    assert notebook.cells[0].outputs[0].text == "1\n" and "with all your rights" in caplog.text


DEADLY = "import os\n\n\ndef double(x):\n    if x == 7:\n        os._exit(1)\n    return 2 * x"


def test_points_of_a_submission_that_ends_its_kernel_again_and_again(small):
    assert small.grade("deadly", small.answered(DEADLY)).points == FULL | {"test_double": 0}
    at_once = small.grade("deadliest", small.answered("import os\nos._exit(1)"))
    assert at_once.points == dict.fromkeys(FULL, 0) and at_once.waiting == ["why"]
