"""A class report as one HTML page: no script, nothing fetched, every text escaped and of bounded length."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from advcourse.grading import results
from advcourse.grading.report import CellTally, ClassTally
from advcourse.grading.report_figure import score_figure

MOST_NAME, MOST_REASON = 32, 120
"""Characters of a name and of a reason that are shown."""

NEXT = {
    results.GRADED: "has a score",
    results.PARTLY: "a cell was not run: grade again with <code>--force</code>, or give points in the formgrader",
    results.WAITS: "written answers are to be marked in the formgrader",
    results.NOT_AUTOGRADED: "never came through: see what the grading run says",
    results.NOTHING: "no submission was collected",
}
"""What each state means to a teacher."""

TO_DO = (results.PARTLY, results.NOT_AUTOGRADED, results.WAITS, results.NOTHING, results.GRADED)
"""The states, those first in which a teacher has something to do."""

CSS = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #59616b; --ground: #fff; --panel: #f5f6f8; --line: #d9dde2;
  --accent: #0072b2; --second: #b86e00; --good: #00805e; --bad: #c04a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #a7afb9; --ground: #14171b; --panel: #1e2228;
  --line: #39404a; --accent: #56b4e9; --second: #e6a94c; --good: #3cc49a; --bad: #f08a4b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .5rem; }
small { font-weight: 400; }
h3 { font-size: 1rem; margin: 1.5rem 0 .2rem; }
p { margin: .3rem 0 .8rem; max-width: 46rem; }
.soft, small, caption, figcaption { color: var(--soft); }
nav a { color: var(--accent); margin-right: 1rem; white-space: nowrap; }
.states { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem;
  padding: 0; margin: 0; list-style: none; }
.states li { background: var(--panel); border-radius: .5rem; border-top: .25rem solid var(--tone);
  padding: .6rem .9rem .8rem; }
.states b { display: block; font-size: 1.8rem; line-height: 1.25; }
.states strong { display: block; line-height: 1.3; }
.states small { display: block; line-height: 1.35; margin-top: .3rem; }
.t0 { --tone: var(--good); } .t1 { --tone: var(--bad); } .t2 { --tone: var(--second); } .t3 { --tone: var(--bad); }
.t4 { --tone: var(--soft); }
.none b, .none strong { color: var(--soft); font-weight: 400; }
figure { margin: 0; overflow-x: auto; } svg { max-width: 100%; height: auto; color: var(--ink); }
svg text { fill: currentColor; font-family: system-ui, sans-serif !important; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { font-size: .85rem; color: var(--soft); font-weight: 600; border-bottom-color: var(--soft);
  vertical-align: bottom; }
tbody th { font-weight: 600; min-width: 8rem; }
.n { text-align: right; white-space: nowrap; padding-right: 1.8rem; }
.narrow table { width: auto; min-width: 22rem; }
.bar { display: inline-block; vertical-align: middle; width: 9rem; height: .7rem; background: var(--line);
  border-radius: .35rem; margin-right: .6rem; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.state { white-space: nowrap; } .state::before { content: ""; display: inline-block; width: .6rem; height: .6rem;
  border-radius: 50%; background: var(--tone); margin-right: .45rem; }
.said { list-style: none; padding: 0; margin: .3rem 0; }
.said li { display: grid; grid-template-columns: 2.6rem 1fr; padding: .25rem 0; }
.said li > b { color: var(--bad); }
bdi { overflow-wrap: anywhere; }
code { white-space: nowrap; }
code, .said bdi { font-family: ui-monospace, monospace; font-size: .88em; }
@media print { body { max-width: none; } nav { display: none; } }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def bounded(value: Any, most: int, size: int = 2) -> str:
    """Anything as escaped text on one line, at most so many characters of it, apart from the text around it.

    It takes ``size`` bytes for each of them at most: a class of hostile names makes no page that is slow to open.
    """
    line = results.one_line(value)
    kept = line if len(line) <= most else line[: most - 1]
    while len(escape(kept, quote=False).encode()) > size * most - 3:
        kept = kept[:-1]
    return f"<bdi>{escape(kept, quote=False)}{'' if kept == line else '…'}</bdi>"


def report_page(made: ClassTally) -> str:
    """The whole page."""
    title = f"{escape(made.assignment)}: class report"
    due = f"due {made.duedate:%Y-%m-%d %H:%M} UTC" if made.duedate else "no due date"
    handed = f"{made.handed_in} of {len(made.rows)} students handed in"
    parts = {
        "States": _states(made),
        "Scores": _scores(made),
        "Hardest cells": _cells(made),
        "Common mistakes": _mistakes(made),
        "Unfinished exercises": _unfinished(made),
        "Late submissions": _late(made),
        "Students": _students(made),
    }
    links = "".join(f'<a href="#{_anchor(name)}">{name}</a> ' for name in parts)
    sections = "".join(
        f'<section aria-labelledby="{_anchor(name)}"><h2 id="{_anchor(name)}">{name}</h2>\n{held}</section>\n'
        for name, held in parts.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{CSS}</style>\n</head>\n<body>\n'
        f'<header><h1>{title}</h1>\n<p class="soft">{handed} · {made.most:g} points · {due}</p>\n'
        f'<nav aria-label="Sections">{links}</nav></header>\n<main>\n{sections}</main>\n</body>\n</html>\n'
    )


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _states(made: ClassTally) -> str:
    cards = [
        f'<li class="t{number}{"" if made.states[state] else " none"}"><b>{made.states[state]}</b>'
        f"<strong>{state}</strong><small>{NEXT[state]}</small></li>"
        for number, state in enumerate(results.STATES)
    ]
    return f'<ul class="states">{"".join(cards)}</ul>\n'


def _scores(made: ClassTally) -> str:
    short = made.in_short()
    if not made.scores and not made.so_far:
        return f"<p>{short}</p>\n"
    drawn = score_figure(made.scores, made.so_far, made.most, short)
    more = " What is not graded yet is hatched." if made.so_far else ""
    return f"<figure>{drawn}<figcaption>{short}{more}</figcaption></figure>\n"


def _table(caption: str, heads: Iterable[tuple[str, bool]], rows: Iterable[str], kind: str = "wide") -> str:
    """A table; a head is its words and whether numbers stand below it."""
    cells = "".join(f'<th scope="col"{" class=n" if number else ""}>{words}</th>' for words, number in heads)
    return (
        f'<div class="{kind}"><table><caption>{caption}</caption>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n'
        f"{''.join(rows)}</tbody></table></div>\n"
    )


def _cells(made: ClassTally) -> str:
    if not made.cells:
        return "<p>No submission was autograded yet.</p>\n"
    heads = [("cell", False), ("points", True), ("mean share of its points", False), ("full marks", True), ("of", True)]
    return _table("Cells that were not run or marked yet do not count.", heads, map(_cell_row, made.cells))


def _cell_row(cell: CellTally) -> str:
    share = "nobody yet"
    if cell.share is not None:
        percent = f"{100 * min(max(cell.share, 0.0), 1.0):.0f}"
        share = f'<span class="bar" aria-hidden="true"><i style="width:{percent}%"></i></span>{percent} %'
    return (
        f'<tr><th scope="row">{bounded(cell.name, MOST_NAME)}</th><td class="n">{cell.most:g}</td><td>{share}</td>'
        f'<td class="n">{cell.full}</td><td class="n">{cell.number}</td></tr>\n'
    )


def _mistakes(made: ClassTally) -> str:
    held = ""
    for cell in made.cells:
        if not cell.mistakes:
            continue
        items = "".join(
            f"<li><b>{mistake.number}×</b><span>{bounded(mistake.example, results.MOST_SAID, size=6)}"
            f"{' <small>(numbers differ)</small>' if mistake.numbers_differ else ''}</span></li>\n"
            for mistake in cell.mistakes
        )
        others = f'<li><b>{cell.others}×</b><span class="soft">other messages</span></li>\n' if cell.others else ""
        lost = f"<small>{cell.number - cell.full} of {cell.number} lost points</small>"
        held += f'<h3>{bounded(cell.name, MOST_NAME)} {lost}</h3>\n<ul class="said">{items}{others}</ul>\n'
    if not held:
        return "<p>No test failed.</p>\n"
    words = "What the tests said, hardest cells first; messages that differ in numbers alone are one."
    return f'<p class="soft">{words}</p>\n{held}'


def _unfinished(made: ClassTally) -> str:
    if not made.unfinished:
        return "<p>Every exercise that came through was answered.</p>\n"
    heads = [("exercise", False), ("left as handed out", True)]
    rows = [
        f'<tr><th scope="row">{bounded(name, MOST_NAME)}</th><td class="n">{n}</td></tr>\n'
        for name, n in made.unfinished
    ]
    return _table("Submissions in which the answer is empty or still the stub.", heads, rows, "narrow")


def _late(made: ClassTally) -> str:
    if not (late := made.late()):
        return "<p>Nobody.</p>\n"
    rows = [f'<tr>{_student(row)}<td class="n">{how_long(seconds)}</td></tr>\n' for row, seconds in late]
    return _table("Extensions considered.", [("student", False), ("late by", True)], rows, "narrow")


def _students(made: ClassTally) -> str:
    heads = [("student", False), ("state", False), ("points", True), ("reason", False)]
    rows = sorted(made.rows, key=lambda row: TO_DO.index(row["state"]))
    return _table(
        "What is to be done first, then by name. Points in brackets are no grade yet.", heads, map(_row, rows)
    )


def _row(row: dict[str, Any]) -> str:
    points = f"{row['score']:g}" if "score" in row else f"({row['points_so_far']:g})" if "points_so_far" in row else ""
    late = f"late by {how_long(row['seconds_late'])}" if row.get("seconds_late") else ""
    reason = bounded(row.get("reason") or "", MOST_REASON) if row.get("reason") else ""
    return (
        f'<tr>{_student(row)}<td><span class="state t{results.STATES.index(row["state"])}">{row["state"]}</span></td>'
        f'<td class="n">{points}</td><td>{" · ".join(filter(None, (late, reason)))}</td></tr>\n'
    )


def _student(row: dict[str, Any]) -> str:
    name = " ".join(filter(None, (row["first_name"], row["last_name"])))
    known = f" <small>{bounded(name, MOST_NAME)}</small>" if name else ""
    return f'<th scope="row">{bounded(row["student_id"], MOST_NAME)}{known}</th>'


def how_long(seconds: float) -> str:
    """Seconds in words: "3 d 4 h", "2 h 5 min", "1 min"."""
    minutes = max(1, round(seconds / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
