"""Notebooks in less time: the same cells on fewer images, or where no data are at hand."""

import os
import re
from pathlib import Path

UNREACHABLE = "http://127.0.0.1:9"  # nothing listens on the discard port
STAND_IN = "stand in for it"  # what `data.load` says of the digits

SIZE = re.compile(r"quick=(\d+)")


def smaller(source: str, by: int = 8) -> str:
    """Every size of ``runtime.pick(quick=…)`` divided by that, but at least four where it is more."""
    return SIZE.sub(lambda found: f"quick={max(int(found[1]) // by, min(int(found[1]), 4))}", source)


def nothing_at_hand(folder: Path) -> dict[str, str]:
    """This process's environment without data or a network, and with an empty cache in that folder."""
    kept = {key: value for key, value in os.environ.items() if key != "ADVCOURSE_DATA" and "proxy" not in key.lower()}
    refused = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), UNREACHABLE)
    return kept | refused | {"ADVCOURSE_CACHE": str(folder / "cache"), "TORCH_HOME": str(folder / "torch")}
