"""Rewrites the repository's address wherever the course states it: ``make address REPOSITORY=https://github.com/…``.

Usage::

    python course/address.py https://github.com/OWNER/NAME [--root COURSE_ROOT]

The address is one constant, ``REPOSITORY`` in ``advcourse/runtime.py``. ``CITATION.cff``, the badge and the bootstrap
cell at the head of every notebook, and the text twins of lectures repeat it. These places are rewritten, and nothing
else; where one is not as expected, no file is written at all.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from unittest.mock import patch

from advcourse import runtime

ROOT = Path(__file__).resolve().parents[1]
HOST = "https://github.com/"
ADDRESS = re.compile(HOST + r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/(?!\.{1,2}$)[\w.-]{1,100}(?<!\.git)", flags=re.ASCII)
ANYONE = HOST + "OWNER/NAME"


def rewrite(root: Path, repository: str) -> list[str]:
    """Puts the address in its places under ``root``; returns the files that changed.

    Raises:
        ValueError: if it is no address of a repository on GitHub, or a file does not state it where it should.
    """
    if not ADDRESS.fullmatch(repository):
        raise ValueError(f"REPOSITORY is {repository!r}, expected {HOST}OWNER/NAME")
    new = {}
    for file in places(root):
        name, text = file.relative_to(root).as_posix(), file.read_bytes().decode()
        new[file] = (text, readdressed(name, text, repository))
    for file, (before, after) in new.items():
        if after != before:
            file.write_bytes(after.encode())
    return sorted(file.relative_to(root).as_posix() for file, (before, after) in new.items() if after != before)


def places(root: Path) -> list[Path]:
    """The files that state the address."""
    patterns = ("lectures/*.ipynb", "lectures/text/*.md", "solutions/*/*.ipynb", "assignments/*/*.ipynb")
    notebooks = [file for pattern in patterns for file in sorted(root.glob(pattern))]
    return [root / "advcourse" / "runtime.py", root / "CITATION.cff", *notebooks]


def readdressed(name: str, text: str, repository: str) -> str:
    """What the file ``name`` holds with ``repository`` for whichever it names now."""
    if name.endswith(".ipynb"):
        return first_cells(name, text, said(name, ANYONE), said(name, repository))
    for before, after in zip(said(name, ANYONE), said(name, repository), strict=True):
        if not (first := pattern(before).search(text)):
            raise ValueError(f"{name} does not state the repository's address, expected {after.strip()!r}")
        text = text[: first.start()] + after + text[first.end() :]
    return text


def said(name: str, repository: str) -> list[str]:
    """What a file says of the repository at that address."""
    with patch.object(runtime, "REPOSITORY", repository):
        if name.endswith(".py"):
            return [f'\nREPOSITORY = "{repository}"\n']
        if name.endswith(".cff"):
            return [f'\nrepository-code: "{repository}"\n']
        notebook = name.replace("solutions/", "assignments/").replace("lectures/text/", "lectures/")
        return [runtime.notebook_badge(notebook.replace(".md", ".ipynb")), runtime.bootstrap_source()]


def pattern(text: str) -> re.Pattern[str]:
    """Matches the text with the address of any repository for ``ANYONE``'s."""
    return re.compile(re.escape(text).replace(re.escape(ANYONE.removeprefix(HOST)), r"[\w.-]+/[\w.-]+"))


def first_cells(name: str, text: str, before: list[str], after: list[str]) -> str:
    """A notebook's JSON with its first two cells readdressed, and every other byte as it was."""
    wanted, new = json.loads(text), text
    for cell, old, right in zip(wanted["cells"], before, after, strict=False):
        source, lines = "".join(cell["source"]), right.splitlines(keepends=True)
        if not pattern(old).fullmatch(source):
            raise ValueError(f"{name} begins with {source[:60]!r}, expected its badge and its bootstrap cell")
        for line, other in zip(source.splitlines(keepends=True), lines, strict=True):
            new = new.replace(json.dumps(line), json.dumps(other), 1)
        cell["source"] = lines
    if json.loads(new) != wanted:
        raise ValueError(
            f"{name} holds other lines at its head, expected nbformat's layout and no outputs in two cells"
        )
    return new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", help=f"{HOST}OWNER/NAME")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's root (default: this repository)")
    options = parser.parse_args()
    try:
        changed = rewrite(options.root.resolve(), options.repository)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    print("\n".join([*changed, f"{len(changed)} files changed"]))


if __name__ == "__main__":
    main()
