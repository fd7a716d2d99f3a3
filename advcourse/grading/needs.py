"""Which cells need which: names that a cell defines for others, and names that it takes from them."""

from __future__ import annotations

import symtable
from collections.abc import Hashable, Mapping
from typing import TypeVar

from IPython.core.inputtransformer2 import TransformerManager

Key = TypeVar("Key", bound=Hashable)
Names = tuple[set[str], set[str]]


def names_of(source: str) -> Names:
    """Names that a cell defines for the cells after it, and those that it takes from the ones before.

    A cell that is no Python defines and takes nothing.
    """
    try:
        table = symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec")
    except Exception:  # what IPython makes of it, too: it gives up on many magics
        return set(), set()
    defined = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    used, waiting = set(), [table]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (scope is table or s.is_global())}
    return defined, used - defined


def sources_of(uses: Mapping[Key, Names], chosen: set[Key]) -> set[Key]:
    """These cells and those that define, over as many cells as it may be, what they take."""
    chosen = set(chosen)
    while True:
        wanted = set().union(*(uses[name][1] for name in chosen))
        more = {name for name, (defined, _) in uses.items() if defined & wanted} - chosen
        if not more:
            return chosen
        chosen |= more


def dependents(uses: Mapping[Key, Names], changed: Mapping[Key, Names]) -> set[Key]:
    """These cells and those that take, over as many cells as it may be, what they define.

    Args:
        uses: of every cell what ``names_of`` tells.
        changed: the same of cells that are to have another source.
    """
    reached = set(changed)
    touched = set().union(*(uses[name][0] | names[0] for name, names in changed.items()))
    while more := {name for name, (_, used) in uses.items() if used & touched} - reached:
        reached |= more
        touched |= set().union(*(uses[name][0] for name in more))
    return reached
