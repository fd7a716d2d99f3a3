"""What a test needs from the machine, or must not have; a test that cannot run here is skipped with the reason."""

import os
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from filelock import FileLock

HERE = Path(__file__).parent

pytest.register_assert_rewrite("tests.contracts", "tests.support")

SLOW = (
    "blackbox/test_http.py",
    "blackbox/test_service.py",
    "blackbox/test_substitute.py",
    "data",
    "device",
    "evaluation/test_autoattack.py",
    "evaluation/test_diagnose.py",
    "evaluation/test_worst_case.py",
    "keras",
    "notebook",
    "grading/test_at_home.py",
    "grading/test_bank.py",
    "grading/test_cycle.py",
    "grading/test_damaged.py",
    "grading/test_export.py",
    "grading/test_pages.py",
    "grading/test_preflight.py",
    "grading/test_rebuild.py",
    "grading/test_release.py",
    "grading/test_report.py",
    "grading/test_run.py",
    "grading/test_submission.py",
    "grading/test_trial.py",
    "structured/test_basis_cache.py",
    "structured/test_recolor.py",
    "support/test_figures.py",
    "test_cli.py",
    "test_benchmarks_newer.py",
    "test_benchmarks_queries.py",
    "test_benchmarks_strength.py",
    "test_footprint.py",
    "test_pages.py",
    "training/test_training.py",
    "widgets",
    "zoo",
)
"""What ``make quick`` leaves out: it starts processes and kernels, renders, or measures real networks."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser_path() -> str | None:
    """The Chromium to drive: ``$ADVCOURSE_BROWSER``, or the first one on the path."""
    return os.environ.get("ADVCOURSE_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


def missing(marker: str) -> str | None:
    """Why a test with this marker cannot run here, or None."""
    if marker == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        return "no CUDA or MPS device"
    if marker == "data" and not os.environ.get("ADVCOURSE_DATA"):
        return "ADVCOURSE_DATA is not set"
    if marker == "browser" and browser_path() is None:
        return f"no browser: none of {', '.join(BROWSERS)} is on the path"
    return None


def is_slow(path: Path) -> bool:
    return path.is_relative_to(HERE) and path.relative_to(HERE).as_posix().startswith(SLOW)


def pytest_ignore_collect(collection_path, config):
    """``-m "not slow"`` does not even import what ``SLOW`` names: torchvision, nbgrader, playwright."""
    return True if config.option.markexpr == "not slow" and is_slow(collection_path) else None


def pytest_collection_modifyitems(items):
    reasons = {marker: missing(marker) for marker in ("gpu", "data", "browser")}
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def slowest(durations: dict[str, float], count: int = 10) -> list[str]:
    """A line for each of the files that took longest."""
    ranked = sorted(durations.items(), key=lambda item: -item[1])[:count]
    return [f"{seconds:7.1f}s {name}" for name, seconds in ranked]


def pytest_terminal_summary(terminalreporter):
    durations = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                durations[report.nodeid.partition("::")[0]] += report.duration
    if len(durations) > 10:
        terminalreporter.section("ten slowest files", sep="-")
        for line in slowest(durations):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    """``once(name, fill)``: a folder that ``fill(folder)`` has filled, once for all workers of pytest."""
    base = tmp_path_factory.getbasetemp()

    def filled(name: str, fill) -> Path:
        folder = (base if worker_id == "master" else base.parent) / name
        with FileLock(f"{folder}.lock"):
            if not (folder / "whole").is_file():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                (folder / "whole").touch()
        return folder

    return filled


@pytest.fixture(scope="session")
def browser_executable() -> str:
    return browser_path()


@pytest.fixture
def own_cache(monkeypatch, tmp_path) -> Path:
    """No data sets but those that are bundled, and an empty cache, whose folder this is."""
    monkeypatch.delenv("ADVCOURSE_DATA", raising=False)
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def offline(monkeypatch) -> None:
    """Every connection is refused."""

    def refuse(*args, **kwargs):
        raise OSError("no network in this test")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
