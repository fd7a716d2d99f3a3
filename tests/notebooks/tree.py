"""The files of the repository that the tests in this folder look at."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LECTURES = sorted((ROOT / "lectures").glob("*.ipynb"))
MASTERS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
EXPLORERS = {
    "03_first_attacks": (".advcourse-playground", "ε"),
    "06_structured_perturbations": (".advcourse-deformer", "size (px)"),
    "07_black_box": (".advcourse-estimator", "σ"),
}
"""By lecture: the CSS class of its explorer, and the label of a slider that is seen from the start."""
RELEASED = sorted((ROOT / "assignments").glob("*/*.ipynb"))


def name(path: Path) -> str:
    """Path from the repository's root, as a test's id."""
    return path.relative_to(ROOT).as_posix()


def tracked() -> list[Path]:
    """Files under version control; in an unpacked archive, which has none, the files that were packed."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    names = run.stdout.split("\0") if run.returncode == 0 else []
    found = [ROOT / entry for entry in names if entry]
    return [path for path in found if path.is_file()] or [path for path in ROOT.rglob("*") if path.is_file()]
