"""Several processes and threads that want one set, or two, at once."""

import socket
import subprocess
import sys
import threading

from advcourse.data import _fetch
from tests.data.checks import is_whole
from tests.support.files import cut

PROCESS = """
import hashlib, sys, time, types
from pathlib import Path
from advcourse import data
from advcourse.data import _sets

raw = {"train-images": 16 + 3 * 784, "train-labels": 8 + 3, "test-images": 16 + 784, "test-labels": 8 + 1}
raw = {name: bytes(count) for name, count in raw.items()}
for split in ("train", "test"):
    files = {f"MNIST/raw/{name}": content for name, content in raw.items() if name.startswith(split)}
    _sets.FILES["mnist", split] = {name: [hashlib.md5(content).hexdigest()] for name, content in files.items()}

def fetch(folder, download, train):
    with open(Path(folder, "log"), "a") as log:
        log.write("fetched\\n")
    for name, content in raw.items():
        for end in (len(content) // 2, len(content)):
            Path(folder, "MNIST/raw").mkdir(parents=True, exist_ok=True)
            Path(folder, "MNIST/raw", name).write_bytes(content[:end])
            time.sleep(0.1)

datasets = types.SimpleNamespace(MNIST=fetch)
sys.modules |= {"torchvision": types.SimpleNamespace(datasets=datasets), "torchvision.datasets": datasets}
print("ready", flush=True)
sys.stdin.readline()
print(len(data.load("mnist", sys.argv[1], stand_in=False)[0]))
"""


def test_two_processes_that_want_one_set_fetch_it_once(cache):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", PROCESS, split], **pipes) for split in ("train", "test")]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=120)[0].strip() for process in both] == ["3", "1"]
    assert (cache / "log").read_text() == "fetched\n"


def test_two_threads_that_want_two_sets_leave_the_process_as_it_was(server, capsys):
    before = socket.getdefaulttimeout(), sys.stderr
    sets = [("mnist", "test"), ("cifar10", "test"), ("gtsrb", "test"), ("cifar10", "train")]
    threads = [threading.Thread(target=is_whole, args=pair) for pair in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (socket.getdefaulttimeout(), sys.stderr) == before
    for pair in sets:
        is_whole(*pair)


def test_a_reader_beside_an_unpacking_waits_for_it(server, cache, monkeypatch):
    """Half an unpacked file is no reason to fetch the set a second time while another is at it."""
    is_whole("mnist", "test")
    file = cache / "MNIST/raw/t10k-labels-idx1-ubyte"
    content = file.read_bytes()
    cut(file)
    server.asked.clear()
    held, release = threading.Event(), threading.Event()

    def other():
        with _fetch.locked(cache / "mnist"):
            held.set()
            release.wait(60)
            file.write_bytes(content)

    thread = threading.Thread(target=other)
    thread.start()
    held.wait(60)
    genuine = _fetch.locked
    monkeypatch.setattr(_fetch, "locked", lambda path: (release.set(), genuine(path))[1])
    monkeypatch.setattr("torchvision.datasets.MNIST", None)  # not fetched
    is_whole("mnist", "test")
    thread.join()
