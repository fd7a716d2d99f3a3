"""Submissions that try to read what is not theirs; each prints what it looked at and what it found."""

from __future__ import annotations

from tests.grading.hostile import Hostile
from tests.grading.hostile_gains import RIGHT

ROWS: list[Hostile] = []


def read(name: str, source: str, says: str = "looked", **more) -> None:
    """A row: a right answer to ``project`` behind what looks around."""
    ROWS.append(Hostile("read", name, {"project": f"{source}\n{RIGHT}"}, says=says, **more))


FILES = """
from itertools import islice
from pathlib import Path


def content(place):
    found = []
    try:
        for path in [place, *islice(place.rglob("*"), 100)] if place.is_dir() else [place]:
            found.append(str(path))
            if path.is_file():
                found.append(path.open("rb").read(10_000).decode(errors="replace"))
    except OSError as error:
        found.append(type(error).__name__)
    return found


for place in PLACES:
    print("looked", place, content(Path(place)))
"""
PLACES = {
    "masters": ["@ROOT@/solutions", "@ROOT@/assignments"],
    "tests and answers of the bank": ["@ROOT@/tests", "@ROOT@/lectures"],
    "the gradebook and other submissions": ["@COURSE@", "@COURSE@/gradebook.db", "@COURSE@/submitted/ada"],
    "the history": ["@ROOT@/.git", "@ROOT@/.git/HEAD"],
    "the home of who grades": ["@HOME@", "@HOME@/.ssh/id_ed25519", "~/.bashrc", "/root", "/home"],
    "paths by another way": ["/proc/self/root@COURSE@", "/proc/self/cwd/../..", "/usr/../@COURSE@", "/dev/fd/3"],
}
for _name, _places in PLACES.items():
    read(f"files: {_name}", FILES.replace("PLACES", repr(_places)))
read(
    "the environment",
    """
import os, subprocess
print("looked", dict(os.environ), subprocess.run(["env"], capture_output=True, text=True).stdout)
""",
)
ROWS.append(
    Hostile(
        "read",
        "files by magics and by the shell",
        {
            "project": f"{RIGHT}\n!echo looked; ls -la / @ROOT@ @COURSE@ @HOME@; cat @COURSE@/gradebook.db ~/.ssh/*\n"
            "%ls @COURSE@\n%env",
            "normalized_l2": "%%bash\ncat @COURSE@/* /proc/*/environ /etc/shadow 2>&1",
        },
        ("test_normalized_l2",),
        says="looked",
    )
)
read(
    "environment, memory and open files of other processes",
    """
import os
found = []
for number in [*range(1, 40), os.getppid(), "self", "thread-self"]:
    for name in ("environ", "cmdline", "maps", "status", "fd", "mem", "mountinfo", "cwd"):
        path = f"/proc/{number}/{name}"
        try:
            found.append(os.listdir(path) if name == "fd" else open(path, "rb").read(100_000).decode(errors="replace"))
        except OSError:
            pass
print("looked", found)
""",
)
read(
    "other processes by ptrace and process_vm_readv",
    """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
class Piece(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]
here, there = Piece(ctypes.addressof(buffer), 4096), Piece(0x400000, 4096)
read = [libc.process_vm_readv(n, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) for n in range(2, 3000)]
traced = [libc.ptrace(16, n, 0, 0) for n in range(1, 3000) if n != os.getpid()]
print("looked", {*read}, {*traced}, os.getpid())
""",
    says="looked {-1} {-1} 1",
)
read(
    "the network",
    """
import socket
found = []
for place in (("127.0.0.1", @PORT@), ("localhost", @PORT@), ("10.0.0.1", 80), ("169.254.169.254", 80)):
    try:
        with socket.create_connection(place, 0.2) as connection:
            found.append(connection.recv(100).decode())
    except OSError as error:
        found.append(type(error).__name__)
for name in ("\\0@COURSE@", "@COURSE@/socket"):
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(name)
            found.append(connection.recv(100).decode())
    except OSError as error:
        found.append(type(error).__name__)
print("looked", found)
""",
    says="looked",
)
read(
    "other sockets and descriptors",
    """
import os, socket
found = []
for number in range(256):
    try:
        kind = os.readlink(f"/proc/self/fd/{number}") if os.path.exists("/proc/self/fd") else os.fstat(number).st_mode
        found.append((number, kind))
    except OSError:
        pass
sockets = [n for n, kind in found if isinstance(kind, int) and kind >> 12 == 12 or "socket" in str(kind)]
print("looked", len(sockets), "socket")
""",
    says="looked 1 socket",
)
read(
    "the notebook that is graded",
    """
import glob, os
print("looked", os.getcwd(), os.listdir("."), glob.glob("/**/*.ipynb", recursive=False), __name__, In, Out)
""",
)
read(
    "memory of this process",
    """
import gc, sys
texts = [t for o in gc.get_objects() if type(o) in (dict, list, tuple) for t in (o.values() if type(o) is dict else o)
         if type(t) is str]
word = "BEGIN " + "HIDDEN " + "TESTS"
found = [t for t in texts if word in t or "fgsm on three " + "classes" in t]
print("looked", found, len(texts) > 1000)
""",
    says="looked [] True",
)
ROWS.append(
    Hostile(
        "read",
        "errors of the test's own model, and what hangs on them",
        {
            "fgsm": """
import traceback
seen = []


def fgsm(model, images, labels, eps, count):
    for given in ((), (None,), (images, images), (images.flatten(),)):
        try:
            model(*given)
        except Exception as error:
            seen.append("".join(traceback.format_exception(error)) + str(vars(error)))
    x = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    return (x.detach() + eps * gradient.sign()).clamp(0, 1)
""",
            "project": "print('looked', len(seen), set(seen))\n" + RIGHT,
        },
        says="looked 48 {",
    )
)
read(
    "what the submission before has left",
    """
import os
from pathlib import Path
places = ["/tmp", "/dev/shm", "/var/tmp", "."]
print("looked", sum(["left" in name for place in places if os.path.isdir(place) for name in os.listdir(place)]))
for place in places:
    try:
        Path(place, "left").write_text("left")
    except OSError:
        pass
""",
    says="looked 0",
)
read(
    "the source of tests in the package",
    """
import inspect
from advcourse.grading import games, radii
found = []
for thing in (games, radii):
    try:
        found.append(inspect.getsource(thing))
    except OSError as error:
        found.append(type(error).__name__)
print("looked", found)
""",
    says="looked ['OSError', 'OSError']",
)
