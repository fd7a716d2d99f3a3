"""``check_submission()``: the look before handing in, from the notebook's own last cell."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

BY_HAND = "Save the notebook, and run in a terminal, where it lies: python -m advcourse.grading check FILE"


def check_submission() -> None:
    """Prints what the grader will find in the notebook in which it is called, and what to do; to be its last cell.

    In Colab the notebook is asked for as it stands; elsewhere its file is read, as it was saved.
    """
    try:
        if not _look_in_colab():
            _look_at_file()
    except Exception as error:  # of places that nobody has seen yet; a student shall read one line
        print(f"This notebook could not be looked at ({type(error).__name__}: {str(error)[:200]}). {BY_HAND}")


def _look_in_colab() -> bool:
    """Looks at the notebook of the browser's tab; False where there is none to be had."""
    from advcourse.grading import cells, preflight, released

    if "google.colab" not in sys.modules:
        return False
    try:
        answer = import_module("google.colab._message").blocking_request("get_ipynb", timeout_sec=20)
        notebook = cells.tidied(answer["ipynb"])
    except Exception:  # another editor with Colab's kernel, or another Colab
        return False
    about = notebook["metadata"].get("colab")
    title = about.get("name") if isinstance(about, dict) else None
    title = title if isinstance(title, str) else f"{released.assignment_of(notebook, released.manifest())}.ipynb"
    print("Looked at the notebook as it stands in this tab. Hand in the file that File > Download > .ipynb gives.")
    preflight.look(title if title.endswith(".ipynb") else f"{title}.ipynb", notebook)
    return True


def _look_at_file() -> None:
    from advcourse.grading import preflight

    file = next(_candidates(), None)
    if file is None:
        print("This notebook's file was not found from here. " + BY_HAND)
        return
    age = max(0, round(time.time() - file.stat().st_mtime))
    ago = (
        f"{age} seconds ago" if age < 120 else f"{age // 60} minutes ago" if age < 7200 else f"{age // 3600} hours ago"
    )
    ago = ago if age > 5 else "just now"
    print(
        f"Looked at {file.name} as it was saved {ago}. What was typed since then is not in it: "
        "if that may be so, save (Ctrl+S, on a Mac ⌘S) and run this cell again."
    )
    for name in _not_saved(file):
        print(f"✗ {name} was run here in another version than the one that is saved: save, and run this cell again")
    preflight.check(file)


def _candidates() -> Iterator[Path]:
    """The notebook's file, where it is known; then the newest one here that is of an assignment."""
    for given in (_variables().get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(given, str) and given.endswith(".ipynb"):
            yield from (path for path in (Path(given), Path(Path(given).name)) if path.is_file())
    here = [path for path in Path().glob("*.ipynb") if path.is_file()]
    yield from (path for path in sorted(here, key=_saved, reverse=True) if _of_the_course(path))


def _saved(path: Path) -> float:
    return path.stat().st_mtime


def _of_the_course(path: Path) -> bool:
    from advcourse.grading import cells, released

    known = released.manifest()
    try:
        return released.assignment_of(cells.load(path), known) is not None
    except ValueError:
        return any(name in path.name for name in known)


def _variables() -> dict[str, Any]:
    """The names of the notebook; VS Code leaves the path of its file there."""
    shell = _shell()
    return dict(getattr(shell, "user_ns", {}) or {})


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _not_saved(file: Path) -> list[str]:
    """Exercises whose last run version is not in the file."""
    from advcourse.grading import cells, matching, released

    known = released.manifest()
    history = getattr(getattr(_shell(), "history_manager", None), "input_hist_raw", [])
    try:
        notebook = cells.load(file)
    except ValueError:
        return []
    name = released.assignment_of(notebook, known)
    saved = {cells.source_digest(cell["source"]) for cell in notebook["cells"]}
    late = []
    for entry in known.get(name or "", []):
        wanted = set(entry.get("defines", []))
        ran = [source for source in history if wanted and wanted <= matching.defined(str(source))]
        if ran and cells.source_digest(str(ran[-1])) not in saved:
            late.append(entry["id"])
    return late
