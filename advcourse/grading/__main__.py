"""``python -m advcourse.grading COMMAND``: what is done with submissions, from taking them in."""

import sys
from importlib import import_module

MODULES = {"collect": "advcourse.grading.intake"}  # each has main(arguments) -> exit status


def main() -> int:
    """Run one command; returns the exit status."""
    command, *arguments = sys.argv[1:] or [""]
    if command not in MODULES:
        print(
            f"usage: python -m advcourse.grading {{{','.join(MODULES)}}} ... (--help after it says more)",
            file=sys.stderr,
        )
        return 0 if command in ("-h", "--help") else 2
    return int(import_module(MODULES[command]).main(arguments))


if __name__ == "__main__":
    sys.exit(main())
