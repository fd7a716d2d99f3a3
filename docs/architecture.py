"""Walks the imports of the library: the rooms, the arrows between them, and a drawing of both.

    python docs/architecture.py            draws docs/architecture.svg
    python docs/architecture.py --count    prints rooms, arrows, arrows against the page's order, circles, floors

A room is a package or module right under ``advcourse/``, and ``attacks.physical``. An arrow goes from a room to one
that it imports, anywhere in its code: also in a function, or for types alone. The order is the table of
``docs/architecture.md``: a room imports only rooms above it.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE, DRAWING = ROOT / "docs" / "architecture.md", ROOT / "docs" / "architecture.svg"
OUTSIDE = {"__init__"}  # the house's door is no room
OWN = {"attacks.physical"}  # rooms inside a room
WIDTH, BOX, TALL, FLOOR = 980, 122, 30, 84  # of the drawing

Arrows = dict[str, set[str]]


def modules(package: Path) -> dict[str, Path]:
    """Every module under a package, by its name without the package's."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = file
    return found


def imported(file: Path, name: str, known: set[str], *, at_load: bool = False) -> set[str]:
    """Modules of the package that a module imports; ``at_load``: only those that importing it loads."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = set()
    for node in _loaded(tree) if at_load else ast.walk(tree):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            named = [each if each.removeprefix(f"{name}.") in known else node.module for each in named]
        else:
            continue
        inside = [each.removeprefix(f"{name}.") for each in named if each.startswith(f"{name}.")]
        found |= {each for each in inside if each in known}
    return found


def _loaded(tree: ast.Module) -> list[ast.stmt]:
    """The statements that importing a module runs."""
    found, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            waiting += [*node.body, *node.orelse]
        elif isinstance(node, ast.Try | ast.With):
            waiting += node.body
    return found


def module_arrows(package: Path, *, at_load: bool = False) -> Arrows:
    """Which module imports which."""
    files = modules(package)
    return {
        module: imported(file, package.name, set(files), at_load=at_load) - {module} for module, file in files.items()
    }


def room_of(module: str) -> str:
    """The room that a module lies in."""
    return next((room for room in OWN if module == room or module.startswith(f"{room}.")), module.partition(".")[0])


def room_arrows(package: Path) -> Arrows:
    """Which room imports which."""
    found: Arrows = defaultdict(set)
    for module, targets in module_arrows(package).items():
        if module not in OUTSIDE:
            found[room_of(module)] |= {room_of(target) for target in targets} - {room_of(module)} - OUTSIDE
    return dict(found)


def page_order(page: Path = PAGE) -> list[str]:
    """The rooms in the order of the page's table."""
    return re.findall(r"^\| `([\w.]+)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def against(arrows: Arrows, order: list[str]) -> list[tuple[str, str]]:
    """Arrows to a room that does not come before."""
    place = {room: i for i, room in enumerate(order)}
    return [(room, to) for room, targets in arrows.items() for to in sorted(targets) if place[to] >= place[room]]


def circles(arrows: Arrows) -> list[list[str]]:
    """Circles, one for each knot of rooms that reach each other."""
    found, left = [], {room: set(targets) for room, targets in arrows.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            knot = error.args[1][:-1]
            found.append(sorted(knot))
            left = {room: targets - set(knot) for room, targets in left.items() if room not in knot}
        else:
            return found


def floors(arrows: Arrows) -> dict[str, int]:
    """How many rooms lie under each, at most, one upon the other."""
    found: dict[str, int] = {}
    for room in TopologicalSorter(arrows).static_order():
        found[room] = max((found[below] + 1 for below in arrows.get(room, ())), default=0)
    return found


def needed(arrows: Arrows) -> Arrows:
    """The arrows that follow from no two others: what a drawing has to show."""
    reach: Arrows = {}
    for room in TopologicalSorter(arrows).static_order():
        reach[room] = set(arrows.get(room, ())).union(*(reach[below] for below in arrows.get(room, ())))
    return {room: {to for to in tos if not any(to in reach[o] for o in tos - {to})} for room, tos in arrows.items()}


def laid_out(arrows: Arrows, order: list[str]) -> tuple[dict[str, tuple[int, int]], list[list[str]]]:
    """Where each room is drawn, and the way of each arrow: on every floor that it passes it has a place of its own."""
    level, ways = floors(arrows), []
    rows: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for room in order:
        rows[level[room]].append(room)
    for room, targets in sorted(needed(arrows).items()):
        for to in sorted(targets):
            passed = [f"{room} > {to} @ {floor}" for floor in range(level[room] - 1, level[to], -1)]
            ways.append([room, *passed, to])
            for name in passed:
                rows[int(name.rsplit(" ", 1)[1])].append(name)
    beside = defaultdict(list)
    for way in ways:
        for above, below in pairwise(way):
            beside[above].append(below)
            beside[below].append(above)
    for _ in range(20):  # towards the middle of what each is tied to
        at = {name: (i + 0.5) / len(row) for row in rows for i, name in enumerate(row)}
        for row in rows:
            row.sort(key=lambda name: sum(at[other] for other in beside[name]) / max(1, len(beside[name])))
            at |= {name: (i + 0.5) / len(row) for i, name in enumerate(row)}
    place = {}
    for floor, row in enumerate(rows):
        widths = [BOX + 20 if name in level else 30 for name in row]
        left = (WIDTH - sum(widths)) / 2
        for name, width in zip(row, widths, strict=True):
            place[name] = (round(left + width / 2), 34 + (len(rows) - 1 - floor) * FLOOR)
            left += width
    return place, ways


def drawing(arrows: Arrows, order: list[str]) -> str:
    """The rooms on their floors, the ground floor at the bottom, as SVG."""
    place, ways = laid_out(arrows, order)
    height = 34 + max(y for _, y in place.values())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" '
        'font-size="14">',
        "<title>Rooms of advcourse, each above those that it imports</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5b6678"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for way in ways:
        path = f"M{place[way[0]][0]} {place[way[0]][1] + TALL // 2}"
        for above, below in pairwise(way):
            (x, y), (u, v) = place[above], place[below]
            end = v - TALL // 2
            path += f" C{x} {y + FLOOR // 2} {u} {end - FLOOR // 3} {u} {end}" + f" V{v + TALL // 2}" * (
                below in way[:-1]
            )
        lines.append(f'<path d="{path}" fill="none" stroke="#8a94a6" stroke-width="1.3" marker-end="url(#tip)"/>')
    for room in order:
        x, y = place[room]
        lines.append(
            f'<rect x="{x - BOX // 2}" y="{y - TALL // 2}" width="{BOX}" height="{TALL}" rx="6" fill="#eef3fb" '
            f'stroke="#0072B2"/><text x="{x}" y="{y + 5}" text-anchor="middle">{escape(room)}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="?", type=Path, default=ROOT / "advcourse", help="another tree to count")
    parser.add_argument("--count", action="store_true", help="print the figures and draw nothing")
    options = parser.parse_args()
    arrows = room_arrows(options.package)
    if not options.count:
        DRAWING.write_text(drawing(arrows, page_order()), encoding="utf-8")
        print(f"drew {DRAWING.relative_to(ROOT)}")
        return
    order, knots = page_order(), circles(arrows)
    same = set(order) == set(arrows)
    print(f"rooms {len(arrows)}, arrows {sum(map(len, arrows.values()))}")
    print(f"arrows against the page's order: {against(arrows, order) if same else 'the page lists other rooms'}")
    print(f"circles {len(knots)}: {'; '.join(' – '.join(knot) for knot in knots) or 'none'}")
    print(f"floors: {'none, for the circles' if knots else max(floors(arrows).values()) + 1}")


if __name__ == "__main__":
    main()
