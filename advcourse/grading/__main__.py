"""``python -m advcourse.grading COMMAND``: what a teacher does with a course's submissions and grades."""

import sys
from importlib import import_module

COMMANDS = {
    "check": "advcourse.grading.preflight",
    "collect": "advcourse.grading.intake",
    "export": "advcourse.grading.platforms",
    "grade": "advcourse.grading.run",
    "report": "advcourse.grading.report",
}
"""By its name, the module of a command: its ``main`` takes the arguments and returns the exit status."""


def main() -> int:
    """Run one command; returns the exit status."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name not in COMMANDS:
        print(f"usage: python -m advcourse.grading {{{','.join(sorted(COMMANDS))}}} …  (each has --help)")
        return 0 if name in ("-h", "--help") else 2
    return int(import_module(COMMANDS[name]).main(arguments))


if __name__ == "__main__":
    raise SystemExit(main())
