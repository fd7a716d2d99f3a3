"""Submissions that try to stop the run: a cell costs itself, whatever it does."""

from __future__ import annotations

from textwrap import indent

from tests.grading.hostile import Hostile
from tests.grading.hostile_gains import FORGE, PEER, RIGHT

ROWS: list[Hostile] = []
ALL = ("test_project", "test_bounded_ifgsm")
"""Of an answer that defines nothing."""


def stop(name: str, source: str, *zero: str, **more) -> None:
    """A row; the source is the answer to ``project``."""
    ROWS.append(Hostile("stop", name, {"project": source}, zero, quick=True, **more))


def called(name: str, why: str, body: str, before: str = "") -> None:
    """A row in which the function does it when it is called: its test is lost, no other; ``why`` says by what."""
    body = indent(body.strip("\n"), "    ")
    stop(name, f"{before}\n\n\ndef project(adversarial, images, eps):\n{body}", "test_project", why=why)


def beside(name: str, source: str, **more) -> None:
    """A row that does it beside a right answer: nothing is lost."""
    stop(name, f"{source}\n{RIGHT}", **more)


# -- time

called("an endless loop", "nothing came in 2 s", "while True:\n    pass")
called(
    "sleep that nothing ends",
    "nothing came in 2 s",
    """
import time
while True:
    try:
        time.sleep(99)
    except BaseException:
        pass
""",
)
called("a call in C that does not return", "nothing came in 2 s", "import ctypes\nctypes.CDLL(None).pause()")
called("a pattern that goes back and forth", "in 2 s", "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')")
called(
    "an error whose text takes for ever",
    "in 2 s",
    "raise Slow",
    """
class Slow(ValueError):
    def __str__(self):
        while True:
            pass
""",
)
stop("an answer cell that does not end", f"while True:\n    pass\n{RIGHT}", *ALL, why="not defined")
beside(
    "threads left behind",
    """
import threading, time


def compute():
    sum(range(10**6))
    time.sleep(600)


for _ in range(9):
    threading.Thread(target=compute).start()
""",
)
beside(
    "processes left behind",
    """
import os, time
for _ in range(40):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
        os._exit(0)
""",
)
beside(
    "exit handlers and finalizers",
    """
import atexit, time, weakref
atexit.register(time.sleep, 600)


class Late:
    def __del__(self):
        time.sleep(600)


late = Late()
weakref.finalize(late, time.sleep, 600)
""",
)
called(
    "one byte after the other",
    "nothing came in 2 s",
    """
peer().wire.connection.send(bytes(1))
while True:
    time.sleep(0.1)
    peer().wire.connection.send(b"x")
""",
    f"import time\n{PEER}",
)
called(
    "requests without end, each answered with an error",
    " 2 s",
    """
while True:
    try:
        peer().ask("attribute", images, "shape")
    except AttributeError:
        pass
""",
    PEER,
)
called(
    "requests without end, none of which is read",
    "error",
    """
while True:
    forge(["next", True, [], ["list", [["known", peer().keys[id(images)]]]]])
""",
    FORGE,
)
ROWS.append(
    Hostile(
        "stop",
        "the test's own model called without end",
        {"fgsm": "def fgsm(model, images, labels, eps, count):\n    while True:\n        model(images)"},
        ("test_fgsm_traces",),
        why=" 2 s",
        quick=True,
    )
)
ROWS.append(
    Hostile(
        "stop",
        "the test's own iterator asked without end",
        {
            "train": """
def train(generator, critic, batches, *given, **named):
    while True:
        for _ in batches:
            pass
"""
        },
        ("test_turns", "test_steps", "test_average"),
        assignment="a10_wgan_gp",
        only=("test_turns", "test_steps", "test_average", "test_spectral_norm"),
        quick=True,
    )
)

# -- memory and numbers

called("more memory than there is", "error", "return [torch.zeros(2**28) for _ in range(99)]")
called("shared memory", "Cannot allocate memory", "import mmap\nmmap.mmap(-1, 2**33)\nreturn images")
called("a tensor of terabytes that takes no memory", "error", "return torch.zeros(1).expand(2**40)")
called(
    "a sparse tensor of terabytes", "a sparse tensor of shape", "return torch.sparse_coo_tensor([[0]], [1.0], (2**40,))"
)
called("a view of gigabytes of what was given", "error", "return images.as_strided((2**30,), (0,))")
called(
    "a view forged to lie outside",
    "a view of shape",
    """
forge(["answer", True, [], ["view", peer().keys[id(images)], [99], [1], 0]])
peer().wire.receive()
""",
    FORGE,
)
called("a range without end", "a range of", "return range(10**18)")
called("an iterator without end", "error", "import itertools\nreturn itertools.count()")
called("a list that holds itself", "deep", "x = []\nx.append(x)\nreturn x")
called("numbers that all have one hash", "error", "return {i * (2**61 - 1) for i in range(40_000)}")
called("an integer of a million digits", "error", "return 10**1_000_000")
called("a text of many megabytes", "error", "return 'x' * 2**24")
called("an error of many megabytes", "ValueError", "raise ValueError('<b>' * 10**6)")
called(
    "containers in containers, by hand",
    "no frame",
    "raw(struct.pack('>I', 200_000) + b'[' * 200_000)",
    FORGE,
)
called("a frame of four gigabytes announced", "4294967295", "raw(b'\\xff' * 4)", FORGE)
called(
    "blocks of a terabyte announced",
    "1099511627776",
    "text = b'[[\"answer\", true, [], null], [1099511627776]]'\nraw(struct.pack('>I', len(text)) + text)",
    FORGE,
)
called("garbage", "no frame", "raw(struct.pack('>I', 4096) + bytes(range(256)) * 16)", FORGE)
called("recursion", "RecursionError", "return project(adversarial, images, eps)")
called(
    "recursion without a limit",
    "error",
    "sys.setrecursionlimit(10**9)\nreturn project(adversarial, images, eps)",
    "import sys",
)
beside(
    "huge and open things under names of an answer cell",
    """
texts, chance, file, model = ["x" * 99] * 10**6, torch.Generator(), open("x", "w"), torch.nn.Linear(2, 2)
values, left = torch.zeros(10**7), (n for n in texts)
""",
)
stop("an iterator under the name of a function", "project = iter([1])", "test_project", why="not callable")
stop("a huge list under the name of a function", "project = ['x' * 99] * 10**5", "test_project", why="not callable")

# -- the process

called("the end of the process", "has ended", "import os\nos._exit(0)")
called("a segmentation fault", "has ended", "import ctypes\nctypes.string_at(0)")
called("abort", "has ended", "import os\nos.abort()")
called("every descriptor closed", "has ended", "import os\nos.closerange(0, 256)")
called(
    "the socket shut in one direction",
    "has ended",
    "import socket\npeer().wire.connection.shutdown(socket.SHUT_WR)",
    PEER,
)
called("leaving the shell", "error", "exit()\nraise SystemExit(0)")
called("a question to who grades", "error", "return input()")
stop("the end of the process in the cell", f"import os\nos._exit(0)\n{RIGHT}", *ALL, why="not defined")
beside(
    "signals to itself and to all others",
    """
import os, signal
for number in (os.getpid(), 0, -1, os.getppid()):
    for each in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM):
        try:
            os.kill(number, each)
        except OSError:
            pass
""",
)
beside(
    "signals switched off, timers and alarms",
    """
import signal
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
""",
)
beside(
    "limits, priorities and folders changed",
    """
import os, resource, shutil
resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))
os.nice(19)
os.chdir("/")
shutil.rmtree("/tmp", ignore_errors=True)
""",
)
beside(
    "places to write to, filled",
    """
import contextlib
with contextlib.suppress(OSError), open("/dev/shm/x", "wb") as file:
    for _ in range(20):
        file.write(bytes(2**24))
""",
)
beside(
    "floods of outputs",
    """
import os, sys
print("x" * 10**7)
for i in range(300):
    display(i)
sys.stderr.write("y" * 10**6)
for number in (0, 1, 2):
    os.write(number, b"garbage" * 10**5)
""",
)
stop(
    "a last value that cannot be shown",
    f"""
{RIGHT}

class Odd:
    def __repr__(self):
        raise BaseException("odd")

    _ipython_display_ = _repr_png_ = __repr__


Odd()
""",
)
ROWS.append(
    Hostile(
        "stop",
        "sources that cannot be parsed",
        {
            "project": f"x = {'(' * 190}1{')' * 190}\ny = {'-' * 3000}1\n{RIGHT}",
            "success_rate": f"x{'.a' * 20000}",
            "normalized_l2": "%%" + "a " * 10_000 + "\n!" + "(" * 10_000,
        },
        (*ALL, "test_success_rate", "test_normalized_l2"),
        quick=True,
    )
)
