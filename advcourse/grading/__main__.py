"""``python -m advcourse.grading COMMAND``: the check before handing in, and then intake, grades, report."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "check": "advcourse.grading.preflight",
    "collect": "advcourse.grading.intake",
    "grade": "advcourse.grading.run",
    "report": "advcourse.grading.report",
    "export": "advcourse.grading.platforms",
    "mutate": "advcourse.grading.mutate",
}
"""By its name, the module of a command: its ``main`` takes the arguments and returns the exit status."""


def main(given: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    name, *arguments = (sys.argv[1:] if given is None else given) or [""]
    if name not in COMMANDS:
        said = f"usage: python -m advcourse.grading {{{','.join(COMMANDS)}}} …  (each has --help)"
        print(said, file=sys.stdout if name in ("-h", "--help") else sys.stderr)
        return 0 if name in ("-h", "--help") else 2
    return int(import_module(COMMANDS[name]).main(arguments))


if __name__ == "__main__":
    raise SystemExit(main())
