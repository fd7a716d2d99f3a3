"""What a test needs from the machine; a test that cannot run here is skipped with the reason."""

import os
import shutil

import pytest
import torch

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


def pytest_collection_modifyitems(items):
    reasons = {marker: missing(marker) for marker in ("gpu", "data", "browser")}
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser_executable() -> str:
    return browser_path()
