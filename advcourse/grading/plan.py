"""What becomes of the cells of a submission: which counts as which released one, and which are run beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

from advcourse.grading import answers, cells, pages
from advcourse.grading.cells import Cell


@dataclass
class Plan:
    """The submitted cell for every released one that has one, and what becomes of the others.

    Attributes:
        own: the submitted cells.
        entries: the released ones, as ``matching.outline`` gives them.
        cell: by the number of a released cell, the submitted one that counts.
        how: in the same way, by what it was found: ``"name"``, ``"content"`` or ``"place"``.
        joined: sources that were put together from the pieces of a cell that was split.
        twins: further submitted cells of the same name.
        left_out: ``id()`` of the submitted cells that are not run: pieces, and stubs beside their answer.
    """

    own: list[Cell]
    entries: list[Cell]
    cell: dict[int, Cell] = field(default_factory=dict)
    how: dict[int, str] = field(default_factory=dict)
    joined: dict[int, str] = field(default_factory=dict)
    twins: dict[int, list[Cell]] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    def take(self, number: int, cell: Cell, how: str) -> None:
        self.cell[number], self.how[number] = cell, how

    def taken(self) -> set[int]:
        """``id()`` of the cells that count."""
        return {id(cell) for cell in self.cell.values()}

    def source(self, number: int) -> str:
        """What was submitted for a released cell."""
        return str(self.joined.get(number, self.cell[number]["source"]))

    def answers(self) -> list[int]:
        """Numbers of the cells that a student answers."""
        return [number for number, entry in enumerate(self.entries) if cells.is_answer(entry)]

    def open(self, number: int) -> bool:
        """Whether an answer was found nowhere, or only its stub."""
        return number not in self.cell or answers.is_stub(self.source(number), self.entries[number]["type"])

    def tests(self, number: int) -> list[int]:
        """Numbers of the tests between an answer and the next one."""
        last = min((n for n in self.answers() if n > number), default=len(self.entries))
        return [n for n in range(number + 1, last) if self.entries[n].get("nbgrader", {}).get("grade")]

    def tested(self, number: int) -> int:
        """The number of the first test of an answer."""
        return min(self.tests(number), default=len(self.entries))

    def at(self, cell: Cell) -> str:
        """Where a student finds a cell."""
        return f"number {next(number for number, own in enumerate(self.own, 1) if own is cell)}"

    def code(self) -> list[tuple[int, str, Cell]]:
        """The student's code that is run: the number of the released cell that it is or follows, source and cell."""
        code = [n for n in self.answers() if n in self.cell and self.entries[n]["type"] == "code"]
        own = [(place, cell) for place, behind in self.followed().items() for cell in behind]
        ran = [(n, pages.text(self.source(n)), self.cell[n]) for n in code]
        ran += [(place, pages.text(cell["source"]), cell) for place, cell in own if cell["cell_type"] == "code"]
        return sorted(ran, key=lambda one: one[0])

    def followed(self, *, everything: bool = False) -> dict[int, list[Cell]]:
        """Cells of the student's own, by the number of the released cell that they follow; -1 before the first.

        Args:
            everything: also those that are empty or not run.
        """
        numbers = {id(cell): number for number, cell in self.cell.items()}
        behind: dict[int, list[Cell]] = {}
        place = -1
        for cell in self.own:
            place = numbers.get(id(cell), place)
            kept = everything or (id(cell) not in self.left_out and cell["source"].strip())
            if id(cell) not in numbers and kept:
                behind.setdefault(place, []).append(cell)
        return behind
