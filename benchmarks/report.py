"""The measured tables, as Markdown between two markers of the README."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from benchmarks import minimal
from benchmarks.peers import PACKAGES, Budget
from benchmarks.results import Memory, Row, Verdict, import_verdicts, name, verdicts
from benchmarks.timing import spread

README = Path(__file__).parent / "README.md"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(['---'] + ['---:'] * (len(head) - 1))}|"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def spelled(budget: Budget) -> str:
    """The attack with its budget; linf lengths in pixel levels."""
    linf = budget.norm == "linf"
    scale, unit = (255, "/255") if linf else (1, "")
    text = f"{name(budget)}, eps {budget.eps * scale:g}{unit}"
    if budget.attack != "fgsm":
        text += f", {budget.steps} steps of {budget.step_size * scale:.4g}{unit}"
    return text


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def setting(device: torch.device, command: str, minutes: float, note: str, packages: Sequence[str] = PACKAGES) -> str:
    """When, where, and with what: the library, PyTorch, NumPy and the packages."""
    versions = {package: importlib.metadata.version(package) for package in ("advcourse", "torch", "numpy", *packages)}
    where = f"{processor()}, {torch.get_num_threads()} threads"
    if device.type == "cuda":
        where = f"{torch.cuda.get_device_name(device)}; {where}"
    return "\n".join(
        [
            f"- Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; command: `{command}`; {minutes:.0f} minutes.",
            f"- Hardware: {where}; {platform.system()}, Python {platform.python_version()}.",
            f"- Versions: {', '.join(f'{package} {version}' for package, version in versions.items())}.",
            *([f"- {note}"] if note else []),
        ]
    )


def overhead_table(rows: list[Row]) -> str:
    head = ["network", "attack", "forwards per image", "backwards per image", "seconds", "time over bare passes"]
    return table(
        head,
        (
            [
                row.case,
                spelled(row.budget),
                f"{row.forwards:.2f}",
                f"{row.backwards:.2f}",
                f"{statistics.median(row.seconds):.2f}",
                spread(row.over_bare),
            ]
            for row in rows
            if row.over_bare
        ),
    )


def library_table(rows: list[Row]) -> str:
    head = ["library", "forwards", "backwards", "success", "mean L2", "mean linf", "seconds", "time over ours"]
    return table(
        head,
        (
            [
                row.library,
                f"{row.forwards:.2f}",
                f"{row.backwards:.2f}",
                f"{100 * row.success:.1f} %",
                f"{row.l2:.4f}",
                f"{255 * row.linf:.2f}/255",
                f"{statistics.median(row.seconds):.2f}",
                "1" if row.over_bare else spread(row.over_ours, 2),
            ]
            for row in rows
        ),
    )


def verdict_table(held: list[Verdict]) -> str:
    head = ["requirement", "measured", "reached"]
    return table(head, ([one.requirement, one.measured, "yes" if one.reached else "**no**"] for one in held))


def memory_table(memories: list[Memory]) -> str:
    head = ["network", "attack", "one image batch", "bare pass", "attack", "beyond the bare pass, in image batches"]
    rows = []
    for one in memories:
        sizes = [f"{size / 2**20:.1f}" for size in (one.batch, one.floor, one.peak)]
        rows.append([one.case, spelled(one.budget), *sizes, f"{one.batches:.2f}"])
    return table(head, rows)


def import_tables(extra: dict[str, list[float]], loaded: dict[str, str]) -> str:
    """What importing costs, and what it is held against."""
    head = ["statement", "seconds over `import torch`", "torchvision, TensorFlow or Keras loaded"]
    measured = table(head, ([f"`{name}`", spread(values, 2), loaded[name]] for name, values in extra.items()))
    return f"{verdict_table(import_verdicts(extra))}\n\n{measured}"


def network_tables(rows: list[Row], memories: list[Memory]) -> str:
    """All that was measured on some networks, the requirements first."""
    parts = [verdict_table(verdicts(rows, memories))]
    parts += ["#### Passes, and time over the same passes run bare", overhead_table(rows)]
    compared = {(row.case, row.budget): [] for row in rows if row.library != "advcourse"}
    for row in rows:
        if (row.case, row.budget) in compared:
            compared[row.case, row.budget].append(row)
    for (case, budget), group in compared.items():
        parts += [f"#### {spelled(budget)}: {case}", library_table(group)]
    return "\n\n".join([*parts, "#### Peak memory, MiB", memory_table(memories)])


def minimal_table(group: list[minimal.Found]) -> str:
    return table(minimal.HEAD, minimal.lines(group))


def minimal_tables(groups: list[list[minimal.Found]]) -> str:
    """Minimal-norm attacks: the requirements, then a table for each comparison."""
    held = [verdict for group in groups for verdict in minimal.verdicts(group)]
    searches = [group[0] for group in groups]
    whole = {one.case: one for one in searches if one.search.attack == "deepfool" and not one.search.candidates}
    for ours in searches:
        if ours.search.candidates and ours.case in whole:
            held.append(minimal.few_candidates(whole[ours.case], ours))
    parts = [verdict_table(held)]
    for group in groups:
        parts += [f"#### {group[0].search.title}: {group[0].case.title}", minimal_table(group)]
    return "\n\n".join(parts)


def write(text: str, part: str) -> None:
    """Put the text between the README's two markers of that name."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, rest = README.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    README.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
