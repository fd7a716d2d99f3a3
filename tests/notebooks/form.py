"""The form of a lecture as far as a program can tell: each rule takes the cells and says what breaks it.

docs/add_a_lecture.md and lectures/TEMPLATE.md say the same in words.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

LIMIT = 18
"""Lines of code in a cell, without empty ones, comments and imports: about fifteen are wanted, more are refused."""

PAPER = re.compile(r"(?:arXiv:\s?|arxiv\.org/(?:abs|pdf)/)(\d{4}\.\d{4,5})", re.IGNORECASE)
DECKS = ("Mobahi", "Tanner", "Stock", "Sarkar", "Moosavi-Dezfooli")
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"\*\*Figure (\d+)\.\*\*")
EXERCISE = re.compile(r"^#+ Check yourself (\d+) · (.+)$", re.MULTILINE)
TITLE = re.compile(r".+ \((easy|medium|hard), \d+ minutes\)")
STOP = re.compile(r"^\*+(?:A|A (?:first|second|third|fourth)) stopping point\.", re.MULTILINE)
NUMBERS = {"A": 1, "One": 1, "Two": 2, "Three": 3, "Four": 4}
COUNTS = "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()

# What measures or draws the success of an attack, and what stands for the random counterpart beside it.
SUCCESS = re.compile(
    r"\b(?:(?:compare|success_curve|robustness_curve|accuracy_curve|query_curve|cumulative_curve|trade_off"
    r"|transfer_matrix|fooling_rate)\(|success_rate\b|robust_accuracy\b|success rate\b)"
)
CONTROL = re.compile(
    r"controls?\b|\bnoise\b|random[ _](?:signs?|noise|directions?|points?|perturbations?|fields?|recolou?rings?"
    r"|patch(?:es)?|draws?|patterns?|rotations?|turns?|motions?)",
    re.IGNORECASE,
)


@dataclass
class Section:
    """A heading of the second level and the cells below it."""

    title: str
    cells: list[NotebookNode] = field(default_factory=list)


def prose(cell: NotebookNode) -> str:
    """A Markdown cell without its blocks of code; nothing of a code cell."""
    return FENCED.sub("", cell.source) if cell.cell_type == "markdown" else ""


def text(cells: Iterable[NotebookNode]) -> str:
    return "\n\n".join(filter(None, map(prose, cells)))


def sections(cells: Iterable[NotebookNode]) -> list[Section]:
    """The first holds what stands before every heading of the second level, and has no title."""
    found = [Section("")]
    for cell in cells:
        found += [Section(title) for title in re.findall(r"^## +(.+)$", prose(cell), re.MULTILINE)]
        found[-1].cells.append(cell)
    return found


def printed(cell: NotebookNode) -> str:
    """What a code cell shows in words."""
    words = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        words += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    return "\n".join(words)


def lines(source: str) -> int:
    """Lines of code, without empty ones, comments and imports."""
    code = "\n".join(
        re.sub(r"\S.*", "pass", line) if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()
    )
    imports = [one for one in ast.walk(ast.parse(code)) if isinstance(one, (ast.Import, ast.ImportFrom))]
    left = set(range(1, len(code.splitlines()) + 1)).difference(*(range(i.lineno, i.end_lineno + 1) for i in imports))
    return sum(bool(re.match(r"\s*[^#\s]", code.splitlines()[k - 1])) for k in left)


# -- the rules


def without_alternative_text(cells: list[NotebookNode]) -> Iterator[str]:
    """A figure's caption says in at least five words what is to be seen, for those who do not see it."""
    for cell in cells:
        if caption := CAPTION.match(cell.source):
            said = re.findall(r"Alternative\s+text: (.+)", cell.source, re.DOTALL)
            if len(said) != 1 or len(said[0].split()) < 5:
                yield f"Figure {caption[1]}: expected one `Alternative text: …` of at least five words"


def exercises_out_of_form(cells: list[NotebookNode]) -> Iterator[str]:
    """A title with difficulty and minutes, a folded hint and solution, then the stub's cell and the check's."""
    for k, cell in enumerate(cells):
        for number, title in EXERCISE.findall(prose(cell)):
            name = f"Check yourself {number}"
            if not TITLE.fullmatch(title):
                yield f"{name}: its title is {title!r}, expected TITLE (easy, medium or hard, N minutes)"
            folded = re.findall(r"<details><summary>(.+?)</summary>", cell.source)
            for part in ("Hint", "Solution"):
                if not any(one.startswith(part) for one in folded):
                    yield f"{name}: it has no folded {part}"
            if [one.metadata.get("tags") for one in cells[k + 1 : k + 3]] != [["exercise"], ["check"]]:
                yield f"{name}: after it expected a cell tagged exercise, and then one tagged check"
    number = len(EXERCISE.findall(text(cells)))
    said = re.search(r"^\*\*Time\.\*\* .* for the (\w+) exercises?\b", text(cells), re.MULTILINE)
    if said and said[1] != COUNTS[number]:
        yield f"its time is that of {said[1]} exercises, and it has {COUNTS[number]}"


def not_cited(cells: list[NotebookNode]) -> Iterator[str]:
    """What the text cites stands in the references, and so does the deck."""
    *body, last = sections(cells)
    if last.title != "References":
        yield f"the last section is {last.title!r}, expected 'References'"
        return
    references = text(last.cells).partition("## References")[2]
    cited = {paper for part in body for paper in PAPER.findall(text(part.cells))}
    for paper in sorted(cited - set(PAPER.findall(references))):
        yield f"arXiv:{paper} is cited, and not in the references"
    decks = [line for line in references.splitlines() if re.search("deck|slides", line)]
    if not any(author in line for author in DECKS for line in decks):
        yield f"the references name no deck: a line with the word deck or slides and one of {', '.join(DECKS)}"


def without_control(cells: list[NotebookNode]) -> Iterator[str]:
    """Titles of the sections in which the success of an attack is measured or drawn without a random counterpart."""
    for section in sections(cells):
        shown = [f"{without_comments(c.source)}\n{printed(c)}" for c in section.cells if c.cell_type == "code"]
        if any(SUCCESS.search(one) for one in shown) and not any(CONTROL.search(one) for one in shown):
            yield section.title


def without_comments(source: str) -> str:
    return re.sub(r"(?<!['\"\w])#.*", "", source)


def long_cells(cells: list[NotebookNode]) -> list[int]:
    """Lengths of the code cells that are over the limit, longest first."""
    return sorted((n for c in cells if c.cell_type == "code" and (n := lines(c.source)) > LIMIT), reverse=True)


def boxes_missing(cells: list[NotebookNode]) -> Iterator[str]:
    """What every lecture has: the head, the box, the two readings of results, and the end in its order."""
    page = text(cells)
    for part in ("**Objectives.**", "**After this lecture"), ("**Prerequisites.**",), ("**Time.**",):
        if not any(f"\n{one}" in page for one in part):
            yield f"no line begins with {' or '.join(part)}"
    for part in (
        ("> **Threat model of this", "> **Setting of this"),
        ("**What you should see",),
        ("**What would fool you",),
    ):
        if not any(one in page for one in part):
            yield f"nowhere stands {' or '.join(part)} …**"
    end = [one.title for one in sections(cells) if re.match("Summary|Pitfalls|Find the bug|References", one.title)]
    if [title for title in end if not title.startswith("Find the bug")] != ["Summary", "Pitfalls", "References"]:
        yield f"it ends in {end}, expected Summary, Pitfalls, Find the bug (where the slides err), References"


def minutes(cells: list[NotebookNode]) -> tuple[int, int]:
    """For reading and running, and for the exercises, as the line `Time.` says."""
    form = r"^\*\*Time\.\*\* (?:About )?(\d+) minutes to read and run, .*?(\d+) for the"
    if (said := re.search(form, text(cells), re.MULTILINE)) is None:
        raise ValueError(
            "its time is not said, expected `**Time.** About N minutes to read and run, and another M for the …`"
        )
    return int(said[1]), int(said[2])


def stopping_points(cells: list[NotebookNode]) -> Iterator[str]:
    """As many are marked as the line `Time.` promises; a lecture of an hour or more has one."""
    promised = re.search(r"\b(A|One|Two|Three|Four) stopping points? (?:is|are) marked", text(cells))
    marked = len(STOP.findall(text(cells)))
    if marked != (number := NUMBERS[promised[1]] if promised else 0):
        yield f"{marked} stopping points are marked, expected {number}, as its time says"
    if not marked and minutes(cells)[0] >= 60:
        yield f"no stopping point in {minutes(cells)[0]} minutes"


def settled(found: Iterable[Any], excused: Iterable[Any]) -> list[str]:
    """What was found and is not excused, and the excuses that are needed no longer; each as often as it stands."""
    now, before = Counter(found), Counter(list(excused))
    news = [f"{one}" for one in (now - before).elements()]
    return news + [f"{one!r} is excused and in order now: take it out of the list" for one in (before - now).elements()]
