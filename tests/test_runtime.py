"""The scale, the seeds, and the strings from which badges and bootstrap cells are made."""

import random
import subprocess
import sys

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
