"""A running JupyterLab as ``course/lab.py`` starts it, for a real browser."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def status(url: str) -> int | None:
    """HTTP status of ``url``; None while nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


@contextmanager
def running_lab(
    folder: Path, *arguments: str, program: Path = ROOT / "course" / "lab.py", environment: dict[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """(address, token) of a JupyterLab that serves that folder.

    Args:
        program: what is run, with ``arguments``.
        environment: this process's by default.
    """
    token, port = secrets.token_hex(16), free_port()
    command = [sys.executable, str(program), *arguments, "--no-browser", f"--port={port}"]
    command += [f"--ServerApp.root_dir={folder}", "--ServerApp.port_retries=0"]
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)  # every cell in the page, not only those in view
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    environment = (os.environ if environment is None else environment) | {
        "JUPYTER_TOKEN": token,
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True)
    address = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 180
        while status(f"{address}/api") != 200:
            assert server.poll() is None, (folder / "lab.log").read_text()
            assert time.monotonic() < deadline, (folder / "lab.log").read_text()
            time.sleep(0.5)
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it waits for a kernel that was starting; kernels end with their server
            server.kill()
            server.wait()
        log.close()
