"""A submission's cells in the sandbox: they compute, that is all they can do, and a cell costs itself at most."""

import contextlib
import json
import logging
import os
import socket
import time
from pathlib import Path

import nbformat
import pytest
from nbgrader.converters.base import NbGraderException

from advcourse.grading import groups, sandbox, trial
from advcourse.grading.autograde import Autograde, TrialExecute, UnsafeExecute
from tests.grading import bank
from tests.grading.small import FULL

pytestmark = pytest.mark.skipif(sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}")
LOG = logging.getLogger("tests")


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    """What is not to be seen inside, and the sandbox that is started beside it."""
    folder = tmp_path_factory.mktemp("course") / "autograded" / "eve" / "a01"
    folder.mkdir(parents=True)
    (folder / "a01.ipynb").write_text("hidden tests")
    (folder / "given.txt").write_text("data that came with the assignment")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("A_SECRET", "ADVCOURSE_TOKEN", "LC_TOKEN", "s3cret_NAME"):
            patch.setenv(name, "s3cret")
        with trial.sandboxed(memory=2048, seconds=8, files=str(folder)) as made:
            made.child(20).stop()
            yield made, folder


@pytest.fixture
def run(secret):
    """``run(*sources)``: the outputs of the cells, each as a list of what it said: text, or the name of the error."""

    def run(*sources, timeout=5, total=60):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells)
        trial.Trial(notebook, lambda: secret[0].child(timeout), total=total, log=LOG).run()
        return [[o.get("ename") or o.get("text") or o.data["text/plain"] for o in cell.outputs] for cell in cells]

    return run


# -- what it can do

ATTEMPTS = """
import json, os, socket, subprocess, sys, tempfile
from pathlib import Path

ROOT, PORT, OWN = {root!r}, {port}, {own!r}


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
    "own notebook": attempt(lambda: Path(OWN).read_bytes()),
    "notebook beside": attempt(lambda: Path("a01.ipynb").read_bytes()),
    "home": attempt(lambda: Path({home!r}, ".bashrc").read_text()),
    "package is writable": attempt(lambda: Path(ROOT, "advcourse", "x.py").write_text("x")),
    "system is writable": attempt(lambda: Path("/usr/x").write_text("x")),
    "root is writable": attempt(lambda: Path("/x").write_text("x")),
    "memory": attempt(lambda: bytearray(3 * 2**30)),
    "memory of torch": attempt(lambda: __import__("torch").zeros(3 * 2**28)),
    "environment": sorted(name for name, value in os.environ.items() if "s3cret" in name + value),
    "processes": sum(name.isdigit() for name in os.listdir("/proc")) < 4,
}}
print(json.dumps(results))
"""


def test_what_a_submission_can_do(run, secret):
    folder = secret[1]
    with socket.create_server(("127.0.0.1", 0)) as server:
        about = {"root": str(bank.ROOT), "port": server.getsockname()[1], "own": str(folder / "a01.ipynb")}
        ((said,),) = run(ATTEMPTS.format(home=str(sandbox.Path.home()), **about))
    results = json.loads(said)
    allowed = ("torch", "package", "own tmp", "own folder", "given file")
    assert {name: results.pop(name) for name in allowed} == dict.fromkeys(allowed, "done")
    assert results.pop("environment") == [] and results.pop("processes") is True
    assert results.pop("local network") in ("ConnectionRefusedError", "OSError")
    missing = ("masters", "submissions bank", "history", "own notebook", "notebook beside", "home")
    assert {name: results.pop(name) for name in missing} == dict.fromkeys(missing, "FileNotFoundError")
    writable = ("package is writable", "system is writable", "root is writable")
    assert {name: results.pop(name) for name in writable} == dict.fromkeys(writable, "OSError")
    assert results == {"memory": "MemoryError", "memory of torch": "RuntimeError"}
    assert not (folder / "x").exists()


RIGHTS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
status = {}
print([libc.umount2(place, 2) for place in (b"/proc", b"/tmp", b"/dev/shm")])
print(libc.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None), libc.setuid(0) and 1, libc.chroot(b"/tmp"))
try:
    print(open("/proc/self/status").read().split("CapEff:")[1].split()[0])
except OSError:
    print("0" * 16)
print(os.listdir("/tmp"), os.getppid())
"""


def test_no_rights_are_left_and_nothing_of_another_submission(run):
    first = run(
        "from pathlib import Path\nfor place in ('tmp', 'dev/shm'):\n    Path('/', place, 'left').write_text('x')",
        RIGHTS,
    )
    lines = first[1][0].splitlines()
    assert lines[0] == "[-1, -1, -1]" and lines[1].split()[0] == "-1" and lines[1].split()[2] == "-1"
    assert lines[2] == "0" * 16
    second = run(
        "from pathlib import Path\nprint(*(Path('/', place, 'left').exists() for place in ('tmp', 'dev/shm')))"
    )
    assert second == [["False False\n"]]


SECRETS = """
from pathlib import Path

found = []
for file in Path("/proc").rglob("*"):
    try:
        if file.name in ("environ", "cmdline", "stat", "status", "maps", "mountinfo", "comm", "auxv"):
            found += [str(file)] if b"s3cret" in file.read_bytes() else []
    except OSError:
        pass
print(found)
"""


def test_no_path_shows_the_environment(run):
    assert run(SECRETS) == [["[]\n"]]


def test_places_to_write_to_are_bounded(run):
    fill = """
def fill(place, count):
    try:
        for i in range(count):
            with open(f"{place}{i}", "wb") as file:
                file.write(bytes(2**24))
    except OSError as error:
        return error.strerror
for place in ("/dev/shm/x", "/dev/x", "x"):
    print(fill(place, 40))
"""
    full, refused = "No space left on device", "Read-only file system"
    assert run(fill, timeout=30)[0][0].splitlines() == [full, refused, full]


def processes():
    """How many there are of the sandbox, as this side sees them."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += b"advcourse.grading.server" in path.read_bytes()
    return found


def test_processes_that_are_left_end_with_the_submission(run):
    before = processes()
    forks = (
        "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(600)\n"
    )
    forks += "print(1)"
    assert run(forks, "print(2)", timeout=30) == [["1\n"], ["2\n"]]
    for _ in range(100):
        if processes() <= before:
            break
        time.sleep(0.1)
    assert processes() <= before


@pytest.mark.skipif(
    os.getuid() == 0 and not groups.group_places(), reason="RLIMIT_NPROC does not bind root, and no control groups here"
)
def test_a_fork_bomb_is_bounded(run):
    bomb = """
import os, time
made = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made < 100)
"""
    assert run(bomb, "print(2)", timeout=30) == [["True\n"], ["2\n"]]


def test_data_in_the_folder_of_temporary_files_are_there_and_nothing_beside_them(monkeypatch, tmp_path):
    for name in ("data", "private"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path / "data"))
    cell = nbformat.v4.new_code_cell(
        f"from pathlib import Path\nplace = Path({str(tmp_path)!r})\nprint([p.name for p in place.iterdir()])\n"
        "print((place / 'data' / 'x.txt').read_text())\n(place / 'data' / 'x.txt').write_text('y')"
    )
    with trial.sandboxed() as made:
        trial.Trial(nbformat.v4.new_notebook(cells=[cell]), lambda: made.child(20), total=60, log=LOG).run()
    assert cell.outputs[0].text == "['data']\ndata\n" and cell.outputs[1].ename == "OSError"
    assert (tmp_path / "data" / "x.txt").read_text() == "data"


# -- a cell costs itself at most

STUBBORN = {
    "an endless loop": "while True:\n    pass",
    "C that does not return": "import ctypes\nwhile True: ctypes.CDLL(None).pause()",
    "sleeps on": "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass",
    "ignores signals": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "ends itself": "import os\nos._exit(1)",
    "is killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "closes everything": "import os\nos.closerange(0, 256)",
    "writes to everything": (
        "import os\nfor n in range(3, 256):\n    try:\n        os.write(n, b'garbage' * 999)\n"
        "    except OSError:\n        pass"
    ),
}


IGNORED = ("stops itself", "is killed")
"""It is the first process of its own tree, which no signal of its own can end."""


@pytest.mark.parametrize("name", STUBBORN)
def test_each_costs_itself(run, name):
    said = run("n = 1\nprint(n)", STUBBORN[name], "n += 1\nprint(n)", timeout=1)
    signal_of_its_own = [] if name in IGNORED else ["NotRun"]
    assert said == [["1\n"], signal_of_its_own, ["2\n"]]


def test_more_processor_time_than_a_process_may_use(run):
    """A process under limits of its own: a cell within its time, all of them over that of the process."""
    busy = "import time\nstart = time.process_time()\nwhile time.process_time() < start + 3:\n    pass\nprint('busy')"
    said = run("print(1)", busy, busy, busy, "print(2)", timeout=6)
    assert said[0] == ["1\n"] and said[-1] == ["2\n"] and ["NotRun"] in said


def test_floods_are_bounded(run):
    said = run(
        "print('x' * 10**7)",
        "for i in range(500):\n    display(i)",
        "raise ValueError('y' * 10**6)",
        "print('end')",
        timeout=20,
    )
    assert len(said[0][0]) < 201_000 and len(said[1]) <= 20 and said[2] == ["ValueError"] and said[3] == ["end\n"]


def test_all_cells_together_are_bounded(run):
    busy = "import time\nstart = time.process_time()\nwhile time.process_time() < start + 1:\n    pass\nprint(2)"
    tests = [nbformat.v4.new_code_cell(busy) for _ in range(9)]
    said = run("print(1)", *[cell.source for cell in tests], total=3)
    assert said[0] == ["1\n"] and said[1] == ["2\n"] and said[-1] == []


def test_figures_and_texts_of_an_answer_are_kept(run, secret):
    cell = nbformat.v4.new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n3 + 4")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    trial.Trial(notebook, lambda: secret[0].child(20), total=60, log=LOG).run()
    shown = [output.data for output in cell.outputs]
    assert sum("image/png" in data for data in shown) == 1 and shown[-1] == {"text/plain": "7"}


# -- in nbgrader


def test_without_a_sandbox_by_name_alone(monkeypatch, tmp_path, caplog):
    """Where there is no sandbox nothing runs, and no setting changes that; the other class says what it does."""
    monkeypatch.setattr(sandbox, "unavailable", lambda: "not on this system")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    with pytest.raises(NbGraderException, match="no sandbox to grade in: not on this system.*--unsafe"):
        TrialExecute().preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    assert set(TrialExecute.class_trait_names(config=True)) & {"sandbox", "manager", "unsafe"} == set()
    assert "unsafe" not in Autograde.class_trait_names()
    UnsafeExecute(workers=1).preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    assert notebook.cells[0].outputs[0].text == "1\n" and "with all your rights" in caplog.text


DEADLY = "import os\n\n\ndef double(x):\n    if x == 7:\n        os._exit(1)\n    return 2 * x"


def test_points_of_a_submission_that_ends_its_process_again_and_again(small):
    assert small.grade("deadly", small.answered(DEADLY)).points == FULL | {"test_double": 0}
    at_once = small.grade("deadliest", small.answered("import os\nos._exit(1)"))
    assert at_once.points == dict.fromkeys(FULL, 0) and at_once.waiting == ["why"]
