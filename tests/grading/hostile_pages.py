"""Submissions that try to reach the browser of who grades, or of who reads the feedback."""

from __future__ import annotations

from tests.grading.hostile import Hostile
from tests.grading.hostile_gains import FORGE, RIGHT

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
ROWS: list[Hostile] = []


def page(name: str, source: str, *zero: str, **more) -> None:
    """A row: what it puts out, before a right answer to ``project``."""
    ROWS.append(Hostile("page", name, {"project": f"{source}\n{RIGHT}"}, zero, **more))


for _kind in ("text/html", "image/svg+xml", "application/javascript", "text/markdown", "text/latex"):
    page(f"an output of type {_kind}", f"display({{'{_kind}': '{SCRIPT}'}}, raw=True)", says="an output was left out")
page(
    "a widget and a type of its own",
    "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}, 'application/x': '"
    + SCRIPT
    + "'}, raw=True)",
    says="an output was left out",
)
for _kind, _body in {"html": SCRIPT, "javascript": "alert(1)", "svg": f"<svg>{SCRIPT}</svg>", "latex": SCRIPT}.items():
    ROWS.append(
        Hostile(
            "page",
            f"the magic %%{_kind}",
            {"success_rate": f"%%{_kind}\n{_body}"},
            ("test_success_rate",),
            says="" if _kind == "latex" else "<IPython.core.display",
        )
    )
page(
    "outputs by hand: a page, and an error of a hundred thousand lines",
    f"""{FORGE}

pages = [["dict", [["output_type", "display_data"], ["data", ["dict", [["text/html", "{SCRIPT}"]]]]]]] * 3
lines = ["list", ["x" * 30] * 100_000]
pages.append(["dict", [["output_type", "error"], ["ename", "{IMAGE}"], ["evalue", "{SCRIPT}"], ["traceback", lines]]])
forge(["answer", True, [], ["dict", [["passed", True], ["outputs", ["list", pages]]]]])
""",
    *("test_project", "test_bounded_ifgsm", "test_success_rate", "test_normalized_l2"),
    says="an output was left out",
)
page(
    "a line of the log by hand",
    f"""{FORGE}

told = ["list", [["list", ["builtins.ValueError"]], "x\\nada: graded, 23 points\\r\\x1b[2K{SCRIPT}", None]]
forge(["raise", True, [], told])
""",
    *("test_project", "test_bounded_ifgsm"),
    says="ada: graded",
)
page("HTML beside text", f"display({{'text/html': '{SCRIPT}', 'text/plain': 'plain'}}, raw=True)", says="plain")
page("a PNG that is none", f"display({{'image/png': '{SCRIPT}'}}, raw=True)", says="an image was left out")
page(
    "a PNG with a script behind it",
    "import base64, io\nfrom PIL import Image\nfile = io.BytesIO()\nImage.new('L', (1, 1)).save(file, 'PNG')\n"
    f"display({{'image/png': base64.b64encode(file.getvalue() + b'{SCRIPT}').decode()}}, raw=True)",
    says="image/png",
)
page("a script that is printed", f"import sys\nprint('{SCRIPT}')\nprint('{IMAGE}', file=sys.stderr)", says="<script>")
page(
    "control characters and colours",
    r"print('\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07\x00\x08')",
    says="javascript",
)
page(
    "an output without a kind",
    "from advcourse.grading import inside\ninside.MOST_SHOWN = 10**6\n"
    f"for _ in range(99):\n    display({{'text/html': '{SCRIPT}'}}, raw=True, metadata={{'x': '{SCRIPT}'}})",
)
ERROR = f"raise type('{IMAGE}', (ValueError,), {{}})('{SCRIPT}')"
page("the name and the text of an error in a cell", f"{RIGHT}\n{ERROR}", says="<script>")
ROWS.append(
    Hostile(
        "page",
        "the name and the text of an error in an answer",
        {"project": f"def project(*given):\n    {ERROR}"},
        ("test_project",),
        why="<script>",
    )
)
ROWS.append(
    Hostile(
        "page",
        "the name of a function and of a class that come back",
        {
            "project": f"def own():\n    pass\n\n\nown.__name__ = '{SCRIPT}'\nproject = lambda *given: own",
            "success_rate": f"def success_rate(*given):\n    return type('{IMAGE}', (), {{}})()",
        },
        ("test_project", "test_success_rate"),
        why="<img src=x",
    )
)
WRITTEN = (
    f"{SCRIPT} {IMAGE} <iframe src=javascript:alert(1)> <svg/onload=alert(1)> <a href='javascript:alert(1)'>x</a>\n\n"
    "[x](javascript:alert(1)) ![x](javascript:alert(1)) [y]: javascript:alert(1) <javascript:alert(1)>\n\n"
    r"$\href{javascript:alert(1)}{x} \mmlToken{mi}[href='javascript:alert(1)']{x} \require{html} \unicode{x}$"
    "\n\n![a](attachment:a.svg) ![b](attachment:b.png)\n\n"
    "<details open ontoggle=alert(1)>\n<<script>alert(1)//<</script>"
)


def attached(notebook: dict) -> None:
    for cell in notebook["cells"]:
        if cell["id"] == "read_the_curve":
            cell["attachments"] = {
                "a.svg": {"image/svg+xml": SCRIPT},
                "b.png": {"image/png": "PHNjcmlwdD4=", "text/html": SCRIPT},
            }


def titled(notebook: dict) -> None:
    """Scripts in every place of the metadata, and in outputs of cells that are not run again."""
    notebook["metadata"] |= {"title": SCRIPT, "authors": [{"name": IMAGE}], "widgets": {"x": {"state": SCRIPT}}}
    notebook["metadata"]["kernelspec"] = {"name": SCRIPT, "display_name": SCRIPT, "language": "javascript"}
    for cell in notebook["cells"]:
        cell["metadata"]["name"] = cell["metadata"]["slideshow"] = SCRIPT
        if cell["cell_type"] == "code":
            cell["outputs"] = [
                {"output_type": "display_data", "data": {"text/html": SCRIPT}, "metadata": {"x": SCRIPT}}
            ]
    own = {"id": IMAGE, "cell_type": "raw", "metadata": {"raw_mimetype": "text/html"}, "source": SCRIPT}
    notebook["cells"] += [own, own | {"id": "own", "cell_type": "markdown"}]


ROWS.append(Hostile("page", "a written answer", {"read_the_curve": WRITTEN}, change=attached))
ROWS.append(Hostile("page", "metadata, outputs and cells of its own", change=titled))
