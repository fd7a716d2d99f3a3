"""What was found in the figures of the lectures that have just run: ``python -m tests.notebooks.figure_report``.

Ends with status 1 where a figure has a fault, and where fewer figures were looked at than a lecture has.
"""

import argparse
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat

CAPTION = re.compile(r"\*\*(Figure \d+)\.\*\*")


@dataclass(frozen=True)
class Lecture:
    """A notebook's code cells by their source: what each is called, and how many figures it showed when committed."""

    name: str
    cells: dict[str, str]
    shown: Counter[str]


def figures_in(cell: nbformat.NotebookNode) -> int:
    """How many of a cell's stored outputs are matplotlib figures."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return sum("image/" in "".join(one) and one.get("text/plain", "").startswith("<Figure size") for one in data)


def lecture(path: Path) -> Lecture:
    cells, shown = {}, Counter()
    notebook = nbformat.read(path, as_version=4).cells
    for k, cell in enumerate(notebook):
        if cell.cell_type == "code":
            caption = CAPTION.match(notebook[k + 1].source) if k + 1 < len(notebook) else None
            cells[cell.source] = caption[1] if caption else f"cell {k} ({cell.source.splitlines()[0]})"
            shown[cell.source] += figures_in(cell)
    return Lecture(path.stem, cells, shown)


def kernels(folder: Path) -> list[list[dict]]:
    """The reports of each kernel, one a figure."""
    files = sorted(folder.glob("*.jsonl"))
    return [[json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] for file in files]


def of(one: Lecture, runs: list[list[dict]]) -> list[list[dict]]:
    """The runs, of those that drew anything, whose cells are all the lecture's."""
    return [reports for reports in runs if reports and {report["source"] for report in reports} <= set(one.cells)]


def faults(one: Lecture, runs: list[list[dict]]) -> tuple[int, list[str]]:
    """How many figures were looked at, and what is wrong, a line each."""
    mine = of(one, runs)
    if len(mine) > 1:
        return 0, [f"{len(mine)} runs have left reports, expected one"]
    reports = mine[0] if mine else []
    seen = Counter(report["source"] for report in reports)
    found = [
        f"{one.cells[source]}: {seen[source]} figures were looked at, expected {number}, as many as it has stored"
        for source, number in one.shown.items()
        if seen[source] < number
    ]
    found += [f"{one.cells[report['source']]}: {fault}" for report in reports for fault in report["problems"]]
    return len(reports), list(dict.fromkeys(found))


def strangers(lectures: list[Lecture], runs: list[list[dict]]) -> list[str]:
    """Runs with figures that are of none of the lectures."""
    left = [reports for reports in runs if reports and not any(of(one, [reports]) for one in lectures)]
    return [f"of no lecture that was named: {reports[0]['source'].splitlines()[0]!r}" for reports in left]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the reports are")
    parser.add_argument("lectures", type=Path, nargs="+", help="the notebooks that ran")
    given = parser.parse_args(arguments)
    runs, lectures = kernels(given.folder), [lecture(path) for path in given.lectures]
    lines, failed = [], strangers(lectures, runs)
    print(f"{'lecture':32} {'stored':>6} {'seen':>6} {'faults':>6}")
    for one in lectures:
        seen, found = faults(one, runs)
        lines += [f"{one.name}, {fault}" for fault in found]
        print(f"{one.name:32} {one.shown.total():6} {seen:6} {len(found):6}")
    failed = lines + failed
    print("\n".join(failed) or "Every figure is in order.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
