"""Control groups: where they can be made, and what they hold a submission and all that it starts to."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advcourse.grading import groups, sandbox, trial
from advcourse.grading.server import MIB

ONE = """9:name=systemd:/
8:pids:/user/1000
4:memory:/box/7
2:cpuacct:/
0::/
"""
ONE_MOUNTED = """31 23 0:28 / {top} rw - tmpfs tmpfs rw,mode=755
34 31 0:31 / {top}/cpuacct rw - cgroup cgroup rw,cpuacct
35 31 0:32 /box {top}/memory rw - cgroup cgroup rw,memory
39 31 0:36 / {top}/pids rw - cgroup cgroup rw,pids
41 31 0:38 / {top}/unified rw - cgroup2 cgroup2 rw
"""
TWO = "0::/user.slice/app.slice/shell.scope\n"
TWO_MOUNTED = "31 23 0:28 / {top} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.fixture
def machine(tmp_path):
    """``machine(groups, mounts, shared)``: a folder that looks like a process's in ``/proc``, and the trees' top."""

    def make(own, mounts, shared=()):
        top = tmp_path / "cgroup"
        for place, controllers in dict(shared).items():
            (top / place).mkdir(parents=True, exist_ok=True)
            (top / place / "cgroup.subtree_control").write_text(controllers)
        (tmp_path / "cgroups").mkdir()
        (tmp_path / "cgroups" / "cgroup").write_text(own)
        (tmp_path / "cgroups" / "mountinfo").write_text(mounts.format(top=top))
        return tmp_path / "cgroups", top

    return make


def test_version_1_has_a_tree_for_each_controller(machine):
    process, top = machine(ONE, ONE_MOUNTED)
    found = groups.group_places(process, lambda folder: True)
    assert found == {"memory": top / "memory/7", "pids": top / "pids/user/1000", "cpuacct": top / "cpuacct"}
    without_pids = groups.group_places(process, lambda folder: "pids" not in folder.parts)
    assert without_pids == {}


def test_version_2_takes_the_nearest_group_that_shares_out_both(machine):
    shared = {
        "user.slice": "cpu memory pids",
        "user.slice/app.slice": "memory pids",
        "user.slice/app.slice/shell.scope": "",
    }
    process, top = machine(TWO, TWO_MOUNTED, shared)
    app = top / "user.slice/app.slice"
    assert groups.group_places(process, lambda folder: True) == {"memory": app, "pids": app}
    up = groups.group_places(process, lambda folder: folder != app)
    assert up == dict.fromkeys(("memory", "pids"), top / "user.slice")
    assert groups.group_places(process, lambda folder: False) == {}


def test_a_tree_that_shares_out_no_memory_is_none(machine):
    process, _ = machine(TWO, TWO_MOUNTED, {"user.slice/app.slice/shell.scope": "cpu pids"})
    assert groups.group_places(process, lambda folder: True) == {}


def test_a_group_without_the_files_of_one_is_none_and_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"memory\.max is not in"):
        groups.Group(os.getpid(), {"memory": tmp_path, "pids": tmp_path}, memory=MIB, processes=2)
    assert [path.name for path in tmp_path.iterdir()] == ["cgroup.procs"]  # the process was put back


# -- on this machine

needs_groups = pytest.mark.skipif(
    sandbox.unavailable() is not None or not groups.group_places(),
    reason="no control groups, or no sandbox, on this machine",
)


@pytest.fixture(scope="module")
def box():
    with trial.sandboxed(memory=2048) as made:
        yield made


@pytest.fixture
def child(box):
    made = box.child(60)
    yield made
    made.stop()


STARTING = """
import os, time
def started(work, count):
    numbers, before = [], time.monotonic()
    for _ in range(count):
        try:
            number = os.fork()
        except OSError:
            break
        if number == 0:
            try:
                work()
            finally:
                os._exit(0)
        numbers.append(number)
    return numbers
"""


def told(child, source):
    stage = trial.Stage(child.peer, [], [])
    (output,) = stage.run(STARTING + source)
    return output["text"] if "text" in output else output["evalue"]


@needs_groups
def test_memory_of_all_processes_together_is_bounded(box):
    """Each stays below its own limit; together they would have more than all may have."""
    child = trial.Child(box.control, 60, "", 400 * MIB)
    told_of = told(
        child,
        "def work():\n    kept = b'x' * (120 * 2**20)\n    time.sleep(0.5)\n    os._exit(7)\n"
        "ends = [os.waitstatus_to_exitcode(os.waitpid(n, 0)[1]) for n in started(work, 6)]\n"
        "print(len(ends), ends.count(7))",
    )
    child.stop()
    count, whole = map(int, told_of.split())
    assert count == 6 and 1 <= whole <= 3


@needs_groups
def test_time_of_processes_that_still_run_counts(child):
    told(child, "def work():\n    while True:\n        pass\nprint(len(started(work, 2)))")
    before, until = child.spent(), time.monotonic() + 30
    while child.spent() < before + 0.3:
        assert time.monotonic() < until, "nothing is counted"
        time.sleep(0.05)


@needs_groups
def test_a_group_ends_with_its_submission(box):
    child = box.child(60)
    told(child, "print(len(started(lambda: time.sleep(60), 3)))")
    places = set(child.group.places.values())
    assert all(place.exists() for place in places)
    child.stop()
    assert not [place for place in places if place.exists()]


@needs_groups
def test_what_a_killed_grader_left_is_removed_by_the_next():
    line = "import os; from advcourse.grading import groups; made = groups.grouped(os.getpid(), 2**30, 9)"
    line += "; print(*made.places.values(), flush=True); os.kill(os.getpid(), 9)"
    left = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False).stdout.split()
    assert left and all(Path(place).exists() for place in left)
    ended = subprocess.Popen(["sleep", "60"])
    try:
        groups.grouped(ended.pid, 2**30, 9).end()
        assert ended.wait() == -9
    finally:
        ended.kill()
    assert not [place for place in left if Path(place).exists()]
