"""JupyterLab as the course uses it; ``make lab`` runs this, and so can any system without make.

Usage::

    python course/lab.py [--instructor] [options of jupyter lab]

It serves the repository on localhost, behind Jupyter's token, and opens the first lecture. Students do not
see nbgrader's formgrader and assignment editor; --instructor shows them and reads course/nbgrader_config.py.
"""

import os
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent


def environment(instructor: bool) -> dict[str, str]:
    """This process's environment with the course's Jupyter settings and this Python's programs in front."""
    settings = [COURSE] if instructor else [COURSE / "jupyter" / "student"]
    settings.append(COURSE / "jupyter")

    def in_front(paths, variable):
        return os.pathsep.join([*map(str, paths), *filter(None, [os.environ.get(variable)])])

    return {
        **os.environ,
        "JUPYTER_CONFIG_PATH": in_front(settings, "JUPYTER_CONFIG_PATH"),
        "PATH": in_front([Path(sys.executable).parent], "PATH"),  # nbgrader calls alembic by name
    }


def main(arguments: list[str]) -> int:
    instructor = "--instructor" in arguments
    options = [argument for argument in arguments if argument != "--instructor"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    os.chdir(COURSE.parent)  # what JupyterLab serves
    if os.name == "posix":  # become JupyterLab, so that signals reach it
        os.execve(sys.executable, command, environment(instructor))
    return subprocess.run(command, env=environment(instructor)).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
