"""Links between the repository's files lead somewhere, and no file names a place on someone's machine."""

import re
from urllib.parse import unquote

import nbformat
import pytest

from advcourse import runtime

from .tree import LECTURES, MASTERS, RELEASED, ROOT, name, tracked

TEXTS = sorted(path for path in tracked() if path.suffix == ".md")
LINK = re.compile(
    r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+(?:\([^()\s]*\))?)>?(?: \"[^\"]*\")?\)|<img[^>]*\bsrc=\"([^\"]+)\""
)
# Ours: a file at the head of the repository, or one opened in Colab.
COLAB = runtime.colab_url("")
OURS = re.compile(
    "|".join(map(re.escape, (COLAB, *(f"{runtime.REPOSITORY}/{kind}/main/" for kind in ("blob", "tree", "raw")))))
)
MACHINE = re.compile(r"(?<![\w.$}/-])(?:/(?:home|root|tmp|work|Users|private|mnt)/|file:[/]{2}|[A-Z]:\\\\?Users)")


def prose(path):
    """Markdown of a text or of a notebook's cells, without code."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "`code`", text)


def anchors(path):
    """What ``#...`` may name in a file: GitHub's form of each heading, JupyterLab's, and explicit ids."""
    text = prose(path)
    titles = [title.strip() for title in re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE)]
    github = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    jupyter = {title.replace(" ", "-") for title in titles}
    return github | jupyter | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))


@pytest.mark.parametrize("path", TEXTS + LECTURES + MASTERS + RELEASED, ids=name)
def test_links_lead_somewhere(path):
    # A text twin is read where its lecture is; a master is read where it is released.
    here = path.parent
    if here == ROOT / "lectures" / "text":
        here = ROOT / "lectures"
    for match in LINK.finditer(prose(path)):
        link = match[1] or match[2]
        if OURS.match(link):
            target, origin = OURS.sub("", link), ROOT
        elif re.match(r"[a-z]+:", link):
            assert link.startswith(("https://", "mailto:", "attachment:", "data:")), link
            continue
        else:
            target, origin = link, here
        file, _, anchor = unquote(target).partition("#")
        place = (origin / file).resolve() if file else path
        assert place.exists(), f"{link} leads nowhere"
        if anchor and place.suffix in {".md", ".ipynb"}:
            assert anchor in anchors(place), f"{link}: no such heading"


def test_no_file_names_a_place_on_a_machine():
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name(path)}: {text[m.start() : m.end() + 40]!r}" for m in MACHINE.finditer(text)]
    assert not found
