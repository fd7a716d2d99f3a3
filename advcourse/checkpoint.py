"""A training run on disk: written atomically, refused with a clear message where it is damaged or another's."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch


class Stateful(Protocol):
    """A model, an optimizer, a scheduler: what has a state dict."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


def save(path: Path, run: dict, progress: dict, parts: Mapping[str, Stateful]) -> None:
    """Write the checkpoint beside its place, then move it there, so that no reader sees half a file.

    Args:
        path: where it goes; missing folders are made.
        run: what identifies the run; `load` refuses a checkpoint of another.
        progress: numbers, texts and lists of them that say how far the run has come.
        parts: objects whose state dicts are written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    state = {name: part.state_dict() for name, part in parts.items()}
    with open(partial, "wb") as file:
        torch.save({"run": run, "progress": progress, "parts": state}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def load(path: Path, run: dict, parts: Mapping[str, Stateful]) -> dict:
    """Put the states of a checkpoint into `parts` and return its `progress`.

    Raises:
        ValueError: the file is damaged, of another run, or does not fit a part; the message says how to mend it.
    """
    mend = "delete the file, or start over with resume=False"
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        found, progress, states = saved["run"], saved["progress"], saved["parts"]
    except Exception as error:  # torch.load raises whatever the broken bytes lead it to
        what = f"{path.stat().st_size} bytes, {type(error).__name__}"
        raise ValueError(f"checkpoint {path} is damaged or no checkpoint ({what}): {mend}") from error
    if found != run or states.keys() != parts.keys():
        raise ValueError(
            f"checkpoint {path} is of another run: {found} with {', '.join(states)}, "
            f"expected {run} with {', '.join(parts)}: {mend}"
        )
    for name, part in parts.items():
        try:
            part.load_state_dict(states[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ValueError(f"checkpoint {path} does not fit the {name} ({error}): {mend}") from error
    return progress


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, for a loop to stop where it is safe; the second interrupts at once.

    Python delivers signals to the main thread only; in another thread the event is never set.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.getsignal(signal.SIGINT)

    def press(signum: int, frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
