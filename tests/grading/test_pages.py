"""What reaches a page from a submission: escaped text, PNG, or our own words."""

import base64
import io
from pathlib import Path

import matplotlib
import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_output
from nbgrader.server_extensions.formgrader import handlers

from advcourse.grading import pages
from tests.grading.small import NAME, cell, find

matplotlib.use("Agg")
ALLOWED = ("http://", "https://", "mailto:", "#")
IDLE = ("data:image/png;base64,",)


def picture() -> str:
    figure, buffer = Figure(figsize=(0.2, 0.2)), io.BytesIO()
    figure.add_subplot()
    figure.savefig(buffer, format="png", metadata={"Comment": "<script>"})
    return base64.b64encode(buffer.getvalue()).decode()


PICTURE = picture()


def html(cells: list[dict], template: str) -> BeautifulSoup:
    """The page of a notebook as the formgrader (or the feedback) makes it."""
    bootstrap = Path(handlers.static_path, "node_modules", "bootstrap", "dist", "css")
    places = {"extra_template_basedirs": [handlers.template_path], "extra_template_paths": [str(bootstrap)]}
    exporter = HTMLExporter(template_name=template, **places)
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    resources = {"nbgrader": {"notebook": NAME, "score": 0, "max_score": 0, "late_penalty": 0}}
    page, _ = exporter.from_notebook_node(nbformat.from_dict(notebook), resources | {"index": 0, "total": 1})
    return BeautifulSoup(page, "html.parser")


def live(page: BeautifulSoup) -> list[str]:
    """What could run or fetch when the page is opened or clicked on, beside what the template brings."""
    found = []
    for element in page.select("#notebook *") or page.find_all(True):
        found += [f"{element.name} {name}" for name in element.attrs if name.startswith("on")]
        if element.name in ("script", "iframe", "object", "embed", "svg", "style", "form", "base", "link", "meta"):
            found.append(element.name)
        if element.name == "a" and not element.get("href", "#").startswith(ALLOWED):
            found.append(f"a {element['href']}")
        if element.name == "img" and not element.get("src", "").startswith(IDLE):
            found.append(f"img {element.get('src')}")
    return found


ANSWERS = {
    "script": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=alert(1)>",
    "upper case": "<IMG SRC=x ONERROR=alert(1)>",
    "no end": "text <img src=x onerror=alert(1) ",
    "slash": "<svg/onload=alert(1)>",
    "in a block": "<div>\n\n<iframe src='/lab'></iframe>\n\n</div>",
    "comment": "<!-- --!><script>alert(1)</script>",
    "declaration": "<![CDATA[ <script>alert(1)</script> ]]>",
    "processing": "<?x <script>alert(1)</script> ?>",
    "link": "[look](javascript:alert(1))",
    "link in entities": "[look](&#106;avascript:alert(1))",
    "link in upper case": "[look](JaVaScRiPt:alert(1))",
    "link after blanks": "[look]( \t\njavascript:alert(1))",
    "link in brackets": "[look](<javascript:alert(1)>)",
    "link to data": "[look](data:text/html,<script>alert(1)</script>)",
    "link to this server": "[look](/lab/tree/course)",
    "link by name": "[look][x]\n\n[x]: javascript:alert(1)",
    "link by name, next line": "[look][x]\n\n[x]:\n  javascript:alert(1)",
    "link in angles": "<javascript:alert(1)>",
    "image of this server": "![look](/logout)",
    "image of the web": "![look](https://example.org/seen.png)",
    "image by name": "![look][x]\n\n[x]: https://example.org/seen.png",
    "image of svg": "![look](data:image/svg+xml;base64,PHN2Zy8+)",
    "image that is none": "![look](data:image/png;base64,PHNjcmlwdD4=)",
    "image behind a bracket": f"<![a](data:image/png;base64,{PICTURE})script>",
    "missing attachment": "![look](attachment:nothing.png)",
    "mermaid": "```mermaid\n<img src=x onerror=alert(1)>\n```",
    "fence": "```<script>\nx\n```",
    "heading": "# <script>alert(1)</script>",
    "table": "|a|\n|--|\n|<script>alert(1)</script>|",
    "formula": "$<img src=x onerror=alert(1)>$ $$</span><script>alert(1)</script>$$",
    "environment": "\\begin{equation}<script>alert(1)</script>\\end{equation}",
    "title": '[look](https://example.org "\\" onmouseover=alert(1) x=")',
    "address": '[look](https://example.org/"onmouseover=alert(1)//)',
    "alternative": '![" onerror=alert(1) x="](attachment:a.png)',
}


def rendered(source, attachments):
    """Markdown as nbconvert makes HTML of it."""
    renderer = IPythonRenderer(escape=False, attachments=attachments)
    return BeautifulSoup(MarkdownWithMath(renderer=renderer).render(source), "html.parser")


@pytest.mark.parametrize("name", ANSWERS)
def test_nothing_in_a_written_answer_runs(name):
    assert live(rendered(*pages.written(ANSWERS[name], {"a.png": {"image/png": PICTURE}}))) == []


@pytest.mark.parametrize("template", ["formgrade", "feedback"])
def test_nothing_runs_on_a_page_of_all(template):
    made = []
    for number, source in enumerate(ANSWERS.values()):
        source, attachments = pages.written(source, {"a.png": {"image/png": PICTURE}})
        made.append(cell(f"why{number}", source, "markdown") | {"attachments": attachments})
    made += [cell(f"x{number}", "x") | {"outputs": [pages.harmless(o)]} for number, o in enumerate(OUTPUTS.values())]
    page = html(made, template)
    assert live(page) == [] and len(page.select(".text_cell")) == len(ANSWERS)


def test_the_test_sees_what_runs():
    """The same without our hand: most of them are live."""
    seen = 0
    for source in ANSWERS.values():
        try:
            seen += bool(live(rendered(source, {"a.png": {"image/png": PICTURE}})))
        except InvalidNotebook:
            seen += 1  # no page at all
    assert seen >= 22
    made = [
        cell(f"x{number}", "x") | {"outputs": [OUTPUTS[name]]} for number, name in enumerate(("html", "javascript"))
    ]
    assert live(html(made, "formgrade")) == ["script", "script"]


def test_what_is_written_stays_readable():
    source = (
        "**Half** of them: $a<b$, `x<y`, $f[0](x) \\le 1$\n\n- one\n- [the paper](https://arxiv.org/abs/1412.6572)\n\n"
        "| ε | rate |\n|--|--|\n| 0.1 | 3 < 4 |\n\n"
        "```python\nfor i in x[1:]:\n    print(i<b)\n```\n\n![curve](attachment:my%20curve.png)"
    )
    page = rendered(*pages.written(source, {"my curve.png": {"image/png": PICTURE}}))
    assert page.strong.text == "Half" and len(page.select("li")) == 2 and len(page.select("td")) == 2
    assert page.a["href"] == "https://arxiv.org/abs/1412.6572"
    assert page.img["alt"] == "curve" and page.img["src"].startswith("data:image/png;base64,iVBOR")
    for text in ("$a< b$", "x< y", "3 < 4", "print(i< b)", "for i in x[1:] :"):
        assert text in page.text
    assert "< script>alert(1)< /script>" in rendered(*pages.written(ANSWERS["script"])).text
    once = pages.written(source, {"my curve.png": {"image/png": PICTURE}})
    assert pages.written(*once) == once


def data(**bundle):
    return new_output("display_data", data={key.replace("_", "/", 1): value for key, value in bundle.items()})


def forged(kind, **values):
    return nbformat.from_dict({"output_type": kind, **values})


OUTPUTS = {
    "html": data(text_html="<script>alert(1)</script>", text_plain="<b>"),
    "only html": data(text_html="<script>alert(1)</script>"),
    "svg": new_output("display_data", data={"image/svg+xml": "<svg onload=alert(1)>"}),
    "javascript": data(application_javascript="alert(1)"),
    "markdown": data(text_markdown="[x](javascript:alert(1))<script>"),
    "latex": data(text_latex="</div><script>alert(1)</script>$\\href{javascript:alert(1)}{x}$"),
    "widget": new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}),
    "png that closes the tag": data(image_png='"><script>alert(1)</script>'),
    "png that is html": data(image_png=base64.b64encode(b"<script>alert(1)</script>").decode()),
    "png that ends early": data(image_png=base64.b64encode(base64.b64decode(PICTURE)[:60]).decode()),
    "metadata": new_output(
        "display_data",
        data={"image/png": PICTURE},
        metadata={
            "image/png": {"width": "1 onload=alert(1)", "alt": "<script>"},
            "filenames": {"image/png": "/logout"},
        },
    ),
    "stream": new_output("stream", name="stdout", text="<script>alert(1)</script>"),
    "stream name": forged("stream", name='"><script>', text="x"),
    "error": new_output("error", ename="<script>", evalue="<script>", traceback=["<script>alert(1)</script>"]),
    "error of another type": forged("error", ename=1, evalue=None, traceback="<script>"),
    "result": new_output("execute_result", data={"text/plain": "100"}, execution_count=1),
    "surrogate": new_output("stream", name="stdout", text="\ud800\x00"),
    "data of another type": forged("display_data", data="<script>"),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_are_text_or_png(name):
    output = pages.harmless(OUTPUTS[name])
    nbformat.validate(output, ref="output", version=4)
    output.get("text", "").encode()
    assert set(output.get("data", {})) <= {"text/plain", "image/png"} and not output.get("metadata")


def test_the_kind_of_an_output_stays():
    """An error stays an error, the standard error stays that: both cost points; a result becomes text."""
    assert pages.harmless(OUTPUTS["error of another type"]).output_type == "error"
    assert pages.harmless(new_output("stream", name="stderr", text="x")).name == "stderr"
    assert pages.harmless(OUTPUTS["result"]).output_type == "display_data"
    assert pages.harmless(OUTPUTS["metadata"]).data["image/png"].startswith("iVBOR")


def test_a_png_brings_nothing_along():
    given = base64.b64decode(PICTURE)
    kept = base64.b64decode(pages.checked_png(base64.b64encode(given + b"<script>").decode()))
    assert b"<script>" in given and b"script" not in kept
    assert pages.checked_png(base64.b64encode(kept).decode()) == base64.b64encode(kept).decode()
    huge = bytearray(kept)
    huge[16:24] = (60_000).to_bytes(4, "big") * 2
    assert pages.checked_png(base64.b64encode(bytes(huge)).decode()) is None
    for nothing in (None, 7, "", "é", "iVBORw0KGgo="):
        assert pages.checked_png(nothing) is None


def test_from_submission_to_formgrader_and_feedback(small):
    """The stored notebook and the feedback page hold nothing that runs, nor does a kernel bring it in."""
    attack = (
        "from IPython.display import HTML, Javascript, display\n"
        "import ipywidgets\n"
        "display(HTML('<script>alert(1)</script>'), Javascript('alert(1)'))\n"
        "display(ipywidgets.HTML('<script>alert(1)</script>'))\n"
        "display({'text/html': '<script>alert(1)</script>', 'text/plain': '<b>'}, raw=True)\n"
        "def double(x):\n    return 2 * x"
    )
    notebook = small.answered(attack, ANSWERS["handler"] + "\n\n" + ANSWERS["link"])
    notebook["cells"].insert(3, cell("mine", ANSWERS["script"], "markdown"))
    notebook["cells"].insert(3, cell("raw", ANSWERS["script"], "raw"))
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": {}}}
    notebook["metadata"]["language_info"] = {"name": "<script>", "pygments_lexer": "<script>"}
    assert small.grade("eve", notebook).points == {"test_double": 2, "test_negative": 1}
    stored = small.autograded("eve")
    assert stored["metadata"].keys() == {"kernelspec", "language_info"}
    given = find(stored, "title")["source"]
    assert "<details>" in given  # ours stays as it is
    for one in stored["cells"]:
        if one.get("id") != "title" and "nbgrader" in one["metadata"]:
            one["metadata"]["nbgrader"]["score"] = 0
    assert live(html(stored["cells"], "formgrade")) == []
    page = BeautifulSoup(small.feedback("eve"), "html.parser")
    assert live(page) == [] and "< img src=x onerror=alert(1)>" in page.text


def test_feedback_of_a_notebook_that_was_graded_before(small):
    """An autograded notebook from an earlier version of the course is escaped on its way to the student."""
    small.grade("old", small.answered())
    folder = small.root / "course" / "autograded" / "old" / NAME
    stored = nbformat.read(folder / f"{NAME}.ipynb", as_version=4)
    find(stored, "why")["source"] = ANSWERS["handler"]
    find(stored, "double")["outputs"] = [OUTPUTS["html"]]
    (folder / f"{NAME}.ipynb").chmod(0o644)
    nbformat.write(stored, folder / f"{NAME}.ipynb")
    assert live(BeautifulSoup(small.feedback("old"), "html.parser")) == []
