"""What importing the library costs beside importing PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

HEAVY = ("torchvision", "tensorflow", "keras")


def modules_after(statement: str) -> set[str]:
    """Names of the modules loaded in a fresh interpreter once ``statement`` has run."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout.splitlines()[-1]))


def heavy(statement: str) -> list[str]:
    """Which of ``HEAVY`` the statement loads."""
    return [package for package in HEAVY if package in modules_after(statement)]


def seconds(statement: str, clock: str = "wall") -> float:
    """Wall or processor time of a fresh interpreter that runs ``statement``."""
    now = time.perf_counter if clock == "wall" else _children
    # Bytecode is written, as it is for a user, whatever the caller's setting.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    start = now()
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    return now() - start


def _children() -> float:
    """Processor time of the subprocesses so far."""
    spent = os.times()
    return spent.children_user + spent.children_system


def extra_seconds(statements: list[str], rounds: int, clock: str = "wall") -> dict[str, list[float]]:
    """Per statement and round: the time it takes after ``import torch``, less ``import torch`` alone."""
    for statement in statements:
        seconds(f"import torch; {statement}")  # bytecode written, files in the cache
    extra: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        alone = seconds("import torch", clock)
        for statement in statements:
            extra[statement].append(seconds(f"import torch; {statement}", clock) - alone)
    return extra
