"""A control group for each submission, where this machine lets one be made: limits for its processes together.

Version 1 has a tree of groups for each controller, version 2 one tree; there a group that holds processes shares out
none of its own, so that a place is looked for among those above it too. Where neither can be had, each process has its
own limits (``server``) and no more.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

NAME = "advcourse"
NEEDED = {"memory", "pids"}
LONGEST_END = 5.0
"""Seconds that the last process of a group is waited for."""

_count = itertools.count()


class Group:
    """One group, in one tree or in several.

    Args:
        process: that is put into it; what it starts from then on is in it too.
        folders: where groups can be made, by controller.
        memory: bytes, of all its processes together.
        processes: and threads, at most.

    Raises:
        OSError: where the system does not allow it after all.
    """

    def __init__(self, process: int, folders: dict[str, Path], *, memory: int, processes: int):
        name = f"{NAME}-{os.getpid()}-{next(_count)}"
        self.places = {controller: folder / name for controller, folder in folders.items()}
        try:
            for folder in set(folders.values()):
                _swept(folder)
                (folder / name).mkdir()
            self._write("memory", {"memory.max": memory, "memory.limit_in_bytes": memory})
            with contextlib.suppress(OSError):
                self._write("memory", {"memory.swap.max": 0, "memory.memsw.limit_in_bytes": memory})
            self._write("pids", {"pids.max": processes})
            for place in set(self.places.values()):
                (place / "cgroup.procs").write_text(str(process), encoding="ascii")
        except OSError:
            for folder in set(folders.values()):
                with contextlib.suppress(OSError):  # it may have been moved into one of them by now
                    (folder / "cgroup.procs").write_text(str(process), encoding="ascii")
            self.end()
            raise

    def _write(self, controller: str, values: dict[str, int]) -> None:
        """The one of these files that is there; which one is, the version says."""
        place = self.places[controller]
        for name, value in values.items():
            if (place / name).exists():
                (place / name).write_text(str(value), encoding="ascii")
                return
        raise FileNotFoundError(f"{next(iter(values))} is not in {place}")

    def spent(self) -> float:
        """Seconds of processor time of all its processes, ended or not; 0 where this is not counted."""
        with contextlib.suppress(OSError, KeyError, ValueError):
            return int((self.places["cpuacct"] / "cpuacct.usage").read_text(encoding="ascii")) / 1e9
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.places["memory"] / "cpu.stat").read_text(encoding="ascii").split()[1]) / 1e6
        return 0.0

    def end(self) -> None:
        """Kill what is left in it, and remove it."""
        until = time.monotonic() + LONGEST_END
        for place in set(self.places.values()):
            while place.exists() and time.monotonic() < until:
                with contextlib.suppress(OSError):
                    for number in (place / "cgroup.procs").read_text(encoding="ascii").split():
                        os.kill(int(number), signal.SIGKILL)
                with contextlib.suppress(OSError):
                    place.rmdir()
                    break
                time.sleep(0.002)


def grouped(process: int, memory: int, processes: int) -> Group | None:
    """A group with these limits and the process in it, or None where this machine has none to give."""
    with contextlib.suppress(OSError):
        if folders := group_places():
            return Group(process, folders, memory=memory, processes=processes)
    return None


def group_places(process: Path = Path("/proc/self"), writable: Callable[[Path], bool] | None = None) -> dict[str, Path]:
    """Where groups of one's own can be made, by controller; empty unless ``memory`` and ``pids`` are among them."""
    may = writable or (lambda folder: os.access(folder, os.W_OK))
    own: dict[str, Path] = {}
    for line in (process / "cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own[controller] = Path(path)
    found: dict[str, Path] = {}
    for line in (process / "mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        root, mount = map(Path, before.split()[3:5])
        kind, _, options = after.split()[:3]
        if kind == "cgroup":
            for controller in {"memory", "pids", "cpuacct"} & set(options.split(",")) & set(own):
                if own[controller].is_relative_to(root) and may(mount / own[controller].relative_to(root)):
                    found[controller] = mount / own[controller].relative_to(root)
        elif kind == "cgroup2" and "" in own and own[""].is_relative_to(root):
            folder = mount / own[""].relative_to(root)
            for each in (folder, *folder.parents):
                if each.is_relative_to(mount) and NEEDED <= _shared(each) and may(each):
                    found |= dict.fromkeys(NEEDED - set(found), each)
                    break
    return found if set(found) >= NEEDED else {}


def _shared(folder: Path) -> set[str]:
    """The controllers that groups inside this one have."""
    with contextlib.suppress(OSError):
        return set((folder / "cgroup.subtree_control").read_text(encoding="ascii").split())
    return set()


def _swept(folder: Path) -> None:
    """Remove what a grader that was killed has left."""
    for each in folder.glob(f"{NAME}-*-*"):
        if not Path("/proc", each.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                each.rmdir()
