"""A process under bubblewrap: what a submission's code may see and do while it is graded.

No network; only the interpreter, this package and the data sets are visible, read-only; the notebook, the masters,
the gradebook and other submissions are not. ``/tmp`` and the working directory are its own and vanish with it. Memory
and processor time are capped. Linux only: elsewhere ``unavailable`` says why.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import advcourse
from advcourse.data import cache_folder
from advcourse.grading.server import MIB, SCRATCH, SHARED

PASSED_ON = {"LANG", "LC_ALL", "TZ", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NBGRADER_EXECUTION"} | {
    "ADVCOURSE_DATA",
    "ADVCOURSE_SCALE",
}
"""Variables of the environment that it gets; of the others a submission can learn neither name nor value."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
ETC = ("ld.so.cache", "alternatives", "fonts", "localtime", "passwd", "group", "nsswitch.conf", "mime.types")
PARTS_OF_PYTHON = ("bin", "lib", "lib64", "share", "pyvenv.cfg")
"""Of an environment of Python, what is shown."""


def command(argv: list[str], *, cwd: Path, memory: int, seconds: int) -> list[str]:
    """The command line that runs ``argv`` in the sandbox.

    Args:
        argv: the program and its arguments.
        cwd: the working directory inside; the files of that name outside are visible, notebooks excepted.
        memory: the most bytes of private memory (``RLIMIT_DATA``).
        seconds: the most seconds of processor time (``RLIMIT_CPU``).
    """
    # bwrap stays as process 1 inside, where /proc shows its environment: so it starts with none.
    line = ["/usr/bin/env", "-i", _place("prlimit"), f"--data={memory}", f"--cpu={seconds}", "--core=0"]
    line += [_place("bwrap"), "--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc"]
    line += ["--dev", "/dev", "--size", str(SHARED), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    for folder in SYSTEM:
        if os.path.islink(folder):
            line += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            line += ["--ro-bind", folder, folder]
    for name in ETC:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    line += ["--size", str(SCRATCH), "--tmpfs", "/tmp", "--size", str(64 * MIB), "--tmpfs", str(cwd)]
    for path in readable():
        line += ["--ro-bind", str(path), str(path)]
    for path in sorted(cwd.iterdir()):
        if path.suffix != ".ipynb":
            line += ["--ro-bind", str(path), str(path)]
    line += ["--remount-ro", "/", "--chdir", str(cwd), "--clearenv"]
    environment = {k: v for k, v in os.environ.items() if k in PASSED_ON}
    environment |= {"HOME": "/tmp", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    environment |= {"ADVCOURSE_CACHE": str(cache_folder()), "PYTHONPATH": str(_package().parent)}
    for name, value in environment.items():
        line += ["--setenv", name, value]
    return [*line, *argv]


def _place(program: str) -> str:
    return shutil.which(program) or program


def _package() -> Path:
    return Path(advcourse.__file__).resolve().parent


def readable() -> list[Path]:
    """The interpreter, its packages, this package, and the data sets, where they lie outside the system folders."""
    roots = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    places = [root / part for root in roots for part in PARTS_OF_PYTHON]  # a root may be a home, or the course itself
    places += [_package(), cache_folder().resolve()]
    if os.environ.get("ADVCOURSE_DATA"):
        places.append(Path(os.environ["ADVCOURSE_DATA"]).resolve())
    system = [Path(folder) for folder in SYSTEM]
    return [p for p in dict.fromkeys(places) if p.exists() and not any(p.is_relative_to(s) for s in system)]


@functools.cache
def unavailable() -> str | None:
    """Why the sandbox cannot be used here, or None if it can: a trivial program is run in it."""
    if platform.system() != "Linux":
        return "bubblewrap exists on Linux only"
    for program in ("bwrap", "prlimit"):
        if shutil.which(program) is None:
            return f"{program} is not installed (packages bubblewrap and util-linux)"
    with tempfile.TemporaryDirectory() as cwd:
        line = command(["/usr/bin/env", "true"], cwd=Path(cwd), memory=512 * MIB, seconds=10)
        done = subprocess.run(line, capture_output=True, text=True)
    return None if done.returncode == 0 else f"bwrap does not work here: {done.stderr.strip()}"
