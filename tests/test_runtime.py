"""The scale, the seeds, and the strings from which badges and bootstrap cells are made."""

import random
import socket
import subprocess
import sys
import threading
import zipfile
from http.client import BadStatusLine, InvalidURL

import numpy as np
import pytest
import torch

from advcourse import runtime


def test_scale_follows_the_device_and_the_variable_overrides(monkeypatch):
    monkeypatch.delenv("ADVCOURSE_SCALE", raising=False)
    monkeypatch.setattr(runtime, "device", lambda: torch.device("cpu"))
    assert runtime.scale() == "quick" and runtime.pick(quick=1, full=2) == 1
    monkeypatch.setattr(runtime, "device", lambda: torch.device("cuda"))
    assert runtime.scale() == "full" and runtime.pick(quick=1, full=2) == 2
    monkeypatch.setenv("ADVCOURSE_SCALE", "quick")
    assert runtime.pick(quick=1, full=2) == 1
    monkeypatch.setenv("ADVCOURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="ADVCOURSE_SCALE is 'huge', expected one of quick, full"):
        runtime.scale()


def test_seeds_reach_all_three_generators():
    def draws():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    runtime.seed_everything(4)
    first = draws()
    runtime.seed_everything(4)
    assert draws() == first
    runtime.seed_everything(5)
    assert all(a != b for a, b in zip(draws(), first, strict=True))


def test_every_address_is_made_from_the_one_constant(monkeypatch):
    monkeypatch.setattr(runtime, "REPOSITORY", "https://github.com/someone/else")
    badge = runtime.notebook_badge("lectures/x.ipynb")
    assert badge.endswith("(https://colab.research.google.com/github/someone/else/blob/main/lectures/x.ipynb)")
    assert "git+https://github.com/someone/else" in runtime.bootstrap_source()


def test_the_bootstrap_does_nothing_where_the_package_is(capsys):
    """Run as a notebook runs it; the installation would be a magic, so it must not be reached."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    reached = []
    shell.register_magic_function(reached.append, magic_name="pip")
    assert shell.run_cell(runtime.bootstrap_source()).success and reached == []
    hidden = runtime.bootstrap_source().replace('find_spec("advcourse")', 'find_spec("advcourse_missing")')
    assert shell.run_cell(hidden).success
    assert len(reached) == 2 and "--no-deps" in reached[0]
    assert not {"torch", "torchvision", "numpy", "tensorflow"} & {word for line in reached for word in line.split()}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BadStatusLine("SSH-2.0"), "BadStatusLine: SSH-2.0"),
        (InvalidURL("nonnumeric port: 'x'"), "InvalidURL: nonnumeric port: 'x'"),
        (ValueError("unknown url type"), "ValueError: unknown url type"),
        (OverflowError("port must be 0-65535."), "OverflowError: port must be 0-65535."),
        (KeyError("getpwuid(): uid not found: 7"), "KeyError: 'getpwuid(): uid not found: 7'"),
        (zipfile.BadZipFile("File is not a zip file"), "BadZipFile: File is not a zip file"),
        (EOFError(), "EOFError"),
        (TimeoutError(), "TimeoutError"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (RuntimeError("Error downloading a:\nTried b, got:\nc\n"), "Error downloading a: Tried b, got: c"),
        (runtime.DownloadFailed("as it was"), "as it was"),
    ],
)
def test_whatever_a_download_raises_leaves_as_one_error_of_one_line(error, said):
    def library():
        seen.append((socket.getdefaulttimeout(), sys.stderr is sys.stdout))
        raise error

    before, seen = (socket.getdefaulttimeout(), sys.stderr), []
    with pytest.raises(runtime.DownloadFailed) as raised, runtime.downloading(3.0):
        library()
    assert seen == [(3.0, True)]
    assert isinstance(raised.value, OSError) and str(raised.value) == said and raised.value.__cause__ is error
    assert (socket.getdefaulttimeout(), sys.stderr) == before


def test_an_interrupted_download_is_an_interrupt():
    before = socket.getdefaulttimeout(), sys.stderr
    with pytest.raises(KeyboardInterrupt), runtime.downloading():
        raise KeyboardInterrupt
    assert (socket.getdefaulttimeout(), sys.stderr) == before


def test_downloads_of_two_threads_do_not_mix_up_what_is_the_whole_process_s():
    """The second begins while the first is under way, and ends after it."""
    before = socket.getdefaulttimeout(), sys.stderr
    begun, go_on = threading.Event(), threading.Event()

    def first():
        with runtime.downloading(5.0):
            begun.set()
            go_on.wait(60)

    def second():
        begun.wait(60)
        waiting.set()
        with runtime.downloading(7.0):
            seen.append(socket.getdefaulttimeout())

    waiting, seen = threading.Event(), []
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    waiting.wait(60)
    threads[1].join(0.2)  # without a lock it would have come and gone
    assert seen == []
    go_on.set()
    for thread in threads:
        thread.join()
    assert seen == [7.0] and (socket.getdefaulttimeout(), sys.stderr) == before
    with runtime.downloading(), runtime.downloading():  # one within another is no deadlock
        pass


def test_describe_names_versions_and_device():
    facts = runtime.describe()
    assert facts["torch"] == torch.__version__.split("+")[0] or facts["torch"] == torch.__version__
    assert facts["device"].startswith(runtime.device().type) and facts["scale"] == runtime.scale()


def test_submodules_are_imported_when_first_used():
    code = (
        "import sys, advcourse; assert not {'torchvision', 'tensorflow', 'advcourse.data'} & set(sys.modules);"
        "advcourse.data.NAMES; assert 'advcourse.data' in sys.modules and 'torchvision' not in sys.modules;"
        "assert 'data' in dir(advcourse)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    import advcourse

    with pytest.raises(AttributeError, match="no attribute 'atacks'"):
        advcourse.atacks  # noqa: B018
