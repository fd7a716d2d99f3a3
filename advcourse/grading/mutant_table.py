"""The report of a run of mutants, as a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advcourse.grading.mutate import Result


def report(assignment: str, results: Sequence[Result], wrong: Sequence[str] = ()) -> str:
    """Tables by function and operator, the survivors with their changes, and the share of survivors.

    Args:
        assignment: its name.
        results: what became of each mutant.
        wrong: excuses that are not needed.
    """
    lines = [f"{assignment}: {len(results)} mutants"]
    width = max((len(each.mutant.function) for each in results), default=8)
    head = f"{'mutants':>8}{'killed':>8}{'excused':>9}{'survive':>9}   killed by"
    lines += ["", f"{'function':{width}}  {'operator':14}{head}"]
    for function in dict.fromkeys(each.mutant.function for each in results):
        mine = [each for each in results if each.mutant.function == function]
        for operator in sorted({each.mutant.operator for each in mine}):
            row = _row([each for each in mine if each.mutant.operator == operator])
            lines.append(f"{function:{width}}  {operator:14}{row}")
        lines += [f"{function:{width}}  {'together':14}{_row(mine)}", ""]
    lines.append(f"{'operator':{width + 2}}{'':14}{head.removesuffix('   killed by')}")
    for operator in sorted({each.mutant.operator for each in results}):
        row = _row([each for each in results if each.mutant.operator == operator], by=False)
        lines.append(f"{operator:{width + 2}}{'':14}{row}")
    survivors = [each for each in results if each.killed_by is None and each.reason is None]
    if survivors:
        lines += ["", "No test notices:"]
    for each in survivors:
        lines.append(f"{each.mutant.function}, {each.mutant.diff()}")
    if wrong:
        lines += ["", *wrong]
    counted = sum(each.reason is None for each in results)
    share = 100 * len(survivors) / max(counted, 1)
    lines += ["", f"{len(survivors)} of {counted} survive ({share:.1f} %), {len(results) - counted} are excused"]
    return "\n".join(lines)


def _row(results: Sequence[Result], by: bool = True) -> str:
    killers = Counter(each.killed_by for each in results if each.killed_by is not None)
    excused = sum(each.reason is not None for each in results)
    survive = sum(each.killed_by is None and each.reason is None for each in results)
    tests = ", ".join(f"{name} {count}" for name, count in killers.most_common())
    counts = f"{len(results):8}{sum(killers.values()):8}{excused:9}{survive:9}"
    return f"{counts}   {tests}".rstrip() if by else counts
