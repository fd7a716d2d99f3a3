"""Forks a process for each submission, in the sandbox, from one that has imported everything.

``python -m advcourse.grading.server DESCRIPTOR`` is started under bubblewrap; each message on that socket brings the
end of another socket, on which a new process answers. It computes nothing itself: a process that has used several
threads cannot be forked safely.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import tempfile
from pathlib import Path

from advcourse.grading import banned

PRELOADED = (
    "IPython.core.interactiveshell",
    "IPython.utils.capture",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "pandas",
    "scipy.fft",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "torch",
    "torchvision.transforms.functional",
    "advcourse.attacks",
    "advcourse.blackbox",
    "advcourse.data",
    "advcourse.defenses",
    "advcourse.evaluation",
    "advcourse.gan.metrics",
    *(f"advcourse.grading.{name}" for name in ("checks", "claims", "crops", "estimates", "inside", "masked")),
    *(f"advcourse.grading.{name}" for name in ("preflight", "toys", "turning", *banned.TESTS)),
    "advcourse.models",
    "advcourse.networks",
    "advcourse.plots",
    "advcourse.structured",
    "advcourse.wrappers",
)
MIB = 2**20
NAMESPACES = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000}
NO_NETWORK = 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_PROGRAMS = 1, 2, 4, 8
BIND, MOVE, WITH_PARTS = 0x1000, 0x2000, 0x4000

MOST_PROCESSES = 64
"""Of one submission; the system does not hold the superuser to it."""

MOST_FILES = 256
LARGEST_FILE = 256 * MIB
SCRATCH, SHARED = 512 * MIB, 256 * MIB
"""Bytes of ``/tmp``, where a submission runs, and of ``/dev/shm``: both are memory."""

MAPPED = 1024 * MIB
"""Bytes of memory that is not private, of files most of it, beside what the process that forks has."""


def main() -> None:
    """Preload, then fork for each socket that comes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    memory, seconds = int(sys.argv[2]), int(sys.argv[3])
    given = [path for path in Path(sys.argv[4]).iterdir() if path.is_file() and path.suffix != ".ipynb"]
    files = {path.name: path.read_bytes() for path in given}
    os.environ |= {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "OMP_NUM_THREADS": "1"}
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 256, 4)
        if not message:
            return
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                enter(descriptor, memory, seconds, files, message.decode().partition(" ")[2])
            os.close(descriptor)


def prepare() -> None:
    """Import what submissions import, and take the first steps of what is slow at its first."""
    import torch

    from advcourse.core.private_torch import IMPORTED_LATE

    torch.set_num_threads(1)
    for name in (IMPORTED_LATE, *PRELOADED):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from advcourse.grading import inside

    inside.make_shell()
    torch.rand(8, 8).requires_grad_().square().sum().backward()
    torch.testing.assert_close(torch.ones(1), torch.ones(1))
    torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])


def enter(descriptor: int, memory: int, seconds: int, files: dict[str, bytes], assignment: str) -> None:
    """Be the process of one submission: alone in its namespaces, with limits, without rights; does not return."""
    from advcourse.grading import inside

    for number in range(3, 256):
        if number != descriptor:
            with contextlib.suppress(OSError):
                os.close(number)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")  # where memory ends, it ends first
    own = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limits = {"DATA": memory, "AS": own + memory + MAPPED, "CPU": seconds, "CORE": 0, "FSIZE": LARGEST_FILE}
    limits |= {"NOFILE": MOST_FILES}
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    if apart():
        if (first := os.fork()) != 0:  # the first process of the new tree; the tree ends with it
            os.close(descriptor)
            os.waitpid(first, 0)
            os._exit(0)
        furnish(banned.files(assignment))
    os.setsid()  # a signal to the whole group goes no further, which the new tree alone does not see to
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (MOST_PROCESSES, MOST_PROCESSES))
    without_rights()
    os.chdir(tempfile.mkdtemp(dir="/tmp"))
    for name, content in files.items():
        Path(name).write_bytes(content)
    inside.attend(socket.socket(fileno=descriptor), assignment)


def apart() -> bool:
    """Leave the namespaces of the other submissions, as far as this machine allows; whether it did."""
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if libc.unshare(sum(NAMESPACES.values()) | NO_NETWORK) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    return True


def furnish(hidden: list[Path]) -> None:
    """Own empty places to write to, no view of other processes, nothing in the ``hidden`` files."""
    from advcourse.grading import sandbox

    libc = ctypes.CDLL(None, use_errno=True)

    def mount(kind: bytes, place: bytes, flags: int, options: bytes | None) -> bool:
        return bool(libc.mount(kind, place, kind, flags, options) == 0)

    mount(b"tmpfs", b"/dev/shm", NO_SUID | NO_DEVICES, b"size=%d" % SCRATCH)
    empty = Path("/dev/shm/empty")
    empty.touch(0o444)
    for path in hidden:
        libc.mount(os.fsencode(empty), os.fsencode(path.resolve()), None, BIND, None)
    empty.unlink()
    for place in sandbox.readable():  # a course that lies below /tmp stays there
        if place.is_relative_to("/tmp"):
            target = Path("/dev/shm", place.relative_to("/tmp"))
            (target if place.is_dir() else target.parent).mkdir(parents=True, exist_ok=True)
            if not place.is_dir():
                target.touch()
            libc.mount(os.fsencode(place), os.fsencode(target), None, BIND | WITH_PARTS, None)
    libc.mount(b"/dev/shm", b"/tmp", None, MOVE, None)
    mount(b"tmpfs", b"/dev/shm", NO_SUID | NO_DEVICES, b"size=%d" % SHARED)
    if not mount(b"proc", b"/proc", NO_SUID | NO_DEVICES | NO_PROGRAMS, None):
        mount(b"tmpfs", b"/proc", READ_ONLY | NO_SUID | NO_DEVICES | NO_PROGRAMS, b"size=4k")


def without_rights() -> None:
    """Give up the rights that the new user namespace came with, and the way to new ones."""
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_rights, drop, last = 38, 24, 63
    libc.prctl(no_new_rights, 1, 0, 0, 0)
    for right in range(last + 1):
        libc.prctl(drop, right, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


if __name__ == "__main__":
    main()
