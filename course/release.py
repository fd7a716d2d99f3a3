"""Regenerates assignments/ from solutions/: ``make release``. Running it twice leaves no difference.

Usage::

    python course/release.py [ASSIGNMENT ...] [--root COURSE_ROOT]

Beside the notebooks it writes ``advcourse/grading/manifest.json`` under the root, what the package
must know of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

from advcourse.grading import matching, released

ROOT = Path(__file__).resolve().parents[1]


def release(root: Path, names: list[str]) -> None:
    """Runs nbgrader on the masters of ``names`` and writes their student versions to ``root/assignments``."""
    api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", path=str(root / "course")).load_config())
    for name in names:
        outcome = api.generate_assignment(name, force=True, create=True)
        if not outcome["success"]:
            sys.exit(f"{name} cannot be released:\n{outcome['log'] or outcome['error']}")
        for file in sorted((root / "assignments" / name).glob("*.ipynb")):
            notebook = json.loads(file.read_text(encoding="utf-8"))
            write(file, stable(notebook))


def stable(notebook: dict) -> dict:
    """The notebook without what differs between machines: versions of the kernel, of Python, of the editor."""
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return notebook


def write(file: Path, content: object) -> None:
    """JSON with sorted keys: the same content gives the same bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")


def manifest(root: Path) -> dict[str, list[dict]]:
    """The outline of every released notebook under ``root``, by the notebook's name."""
    return {
        file.stem: matching.outline(json.loads(file.read_text(encoding="utf-8")))
        for file in sorted((root / "assignments").glob("*/*.ipynb"))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="assignments; all of them if none is named")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's root (default: this repository)")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    names = arguments.names or sorted(folder.name for folder in (root / "solutions").iterdir() if folder.is_dir())
    release(root, names)
    file = root / "advcourse" / "grading" / released.MANIFEST.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(released.written_manifest(manifest(root)), encoding="utf-8")
    print(f"released {', '.join(names)}")


if __name__ == "__main__":
    main()
