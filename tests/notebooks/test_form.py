"""Every lecture keeps the form of docs/add_a_lecture.md as far as a program tells; the rules see what breaks them."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from . import form
from .tree import LECTURES, ROOT

RULES = (
    form.without_alternative_text,
    form.exercises_out_of_form,
    form.not_cited,
    form.without_control,
    form.boxes_missing,
    form.stopping_points,
)
# What a lecture may break of its form, by rule and lecture: the reason, and what the rule says. A new lecture has no
# entry, and one that is needed no longer fails the test.
EXCUSED = {
    ("not_cited", "00"): (
        "it teaches the way in, and takes nothing from a deck",
        [f"the references name no deck: a line with the word deck or slides and one of {', '.join(form.DECKS)}"],
    ),
}
each = pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)


def cells(path):
    return nbformat.read(path, as_version=4).cells


@each
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_lecture_keeps_the_form(path, rule):
    assert form.settled(rule(cells(path)), EXCUSED.get((rule.__name__, path.stem[:2]), ("", []))[1]) == []


@each
def test_a_lectures_cells_can_be_taken_in(path):
    assert form.long_cells(cells(path)) == [], f"limit: {form.LIMIT} lines"


def test_no_lecture_but_the_first_is_excused():
    assert {rule for rule, _ in EXCUSED} <= {rule.__name__ for rule in RULES} and {n for _, n in EXCUSED} == {"00"}
    assert all(len(reason.split()) > 5 and messages for reason, messages in EXCUSED.values())


@each
def test_the_readme_says_how_long_a_lecture_takes(path):
    """Reading and running; tests/test_docs.py adds up the exercises."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in readme.splitlines() if line.startswith(f"| {path.stem[:2]} |"))
    assert tuple(map(int, row.rstrip(" |").rpartition("|")[2].split("+")[:2])) == form.minutes(cells(path))


# -- the rules find what breaks them


def md(*sources):
    return [new_markdown_cell(source) for source in sources]


def code(source, text="", tags=(), html=""):
    outputs = [new_output("stream", text=text)] if text else []
    outputs += [new_output("display_data", data={"text/html": html})] if html else []
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)} if tags else {})


TASK = "### Check yourself 2 · a title (easy, 5 minutes)\n\nDo."
HINT = "<details><summary>Hint 1</summary>\n\nHow?\n\n</details>"
SOLUTION = "<details><summary>Solution</summary>\n\n```python\nx = 1\n```\n\n</details>"
CELLS = [code("x = None", tags=["exercise"]), code("x", tags=["check"])]
REFERENCES = (
    "## References\n\n* A. Author, 2020, [arXiv:2001.00001](https://arxiv.org/abs/2001.00001)\n* The slides of P. Stock"
)
HEAD = (
    "# 5 · A title\n\n**Objectives.** …\n\n**Prerequisites.** …\n\n**Time.** About 80 minutes to read and run, "
    "and another 50 for the six exercises. A stopping point is marked."
)
BOXES = (HEAD, "> **Threat model of this lecture**", "**What you should see.** …", "**What would fool you.** …")
END = ("## Summary", "## Pitfalls", "## Find the bug: the slides", "## References")


@pytest.mark.parametrize(
    ("caption", "right"),
    [
        ("**Figure 1.** A line. Alternative text: a blue line that rises.", True),
        ("**Figure 1.** A line.", False),
        ("**Figure 1.** A line. Alternative text: a line.", False),
        ("**Figure 1.** Two lines. Alternative text: a line from left to right. Alternative text: and another.", False),
        ("Figure 1 shows a line.", True),
    ],
)
def test_alternative_text(caption, right):
    assert (
        [*form.without_alternative_text([code("x"), *md(caption)])] == []
        if right
        else ["Figure 1: expected one `Alternative text: …` of at least five words"]
    )


@pytest.mark.parametrize(
    ("text", "after", "told"),
    [
        (f"{TASK}\n{HINT}\n{SOLUTION}", CELLS, None),
        (f"```\n{TASK}\n```", [], None),
        (f"{TASK}\n{SOLUTION}", CELLS, "it has no folded Hint"),
        (f"{TASK}\n{HINT}", CELLS, "it has no folded Solution"),
        (f"{TASK}\n{HINT}\n{SOLUTION}", CELLS[:1], "after it expected a cell tagged exercise"),
        (f"{TASK}\n{HINT}\n{SOLUTION}", CELLS[::-1], "after it expected a cell tagged exercise"),
        (f"{TASK}\n{HINT}\n{SOLUTION}", [CELLS[0], *md("and now"), CELLS[1]], "after it expected"),
        (f"{TASK}\n{HINT}\n{SOLUTION}", [code("x = None"), code("x")], "after it expected a cell tagged exercise"),
        (f"{TASK}\n{HINT}\n{SOLUTION}".replace("easy, ", ""), CELLS, "its title is 'a title (5 minutes)'"),
        (f"{TASK}\n{HINT}\n{SOLUTION}".replace("easy", "simple"), CELLS, "its title is"),
    ],
)
def test_exercises(text, after, told):
    found = [*form.exercises_out_of_form([*md(text), *after])]
    assert found == [] if told is None else [one[: len(told) + 18] for one in found] and told in found[0]


def test_exercises_are_counted():
    said = "**Time.** About 80 minutes to read and run, and another 50 for the {} exercises."
    tasks = md(*(f"### Check yourself {k} · a title (easy, 5 minutes)" for k in (1, 2)))
    counts = [[*form.exercises_out_of_form([*md(said.format(number)), *tasks])][6:] for number in ("two", "three")]
    assert counts == [[], ["its time is that of three exercises, and it has two"]]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ((("See [A](https://arxiv.org/abs/2001.00001)."), REFERENCES), []),
        (("See arXiv:2002.00002.", REFERENCES), ["arXiv:2002.00002 is cited, and not in the references"]),
        (
            ("A text.", REFERENCES.replace("slides", "words")),
            ["the references name no deck: a line with the word deck"],
        ),
        (
            ("A text.", REFERENCES.replace("Stock", "Nobody")),
            ["the references name no deck: a line with the word deck"],
        ),
        (
            (REFERENCES, "## And more"),
            ["the last section is 'And more', expected 'References'"],
        ),
    ],
)
def test_citations(texts, told):
    found = [*form.not_cited(md("## 1 A section", *texts))]
    assert [one[: len(words)] for one, words in zip(found, told, strict=True)] == told


@pytest.mark.parametrize(
    ("section", "right"),
    [
        ([code("compare(model, rows, x, y)")], False),
        ([code("plots.success_curve(reports)")], False),
        ([code("table", html="<th>robust_accuracy</th>")], False),
        ([code("print(1)", text="success rate 0.9")], False),
        ([code("compare(model, rows, x, y)"), code("x = random_target(y)")], False),
        ([code("compare(model, rows, x, y)  # no control, no noise")], False),
        ([code("compare(model, rows, x, y)"), *md("Random signs do nothing.")], False),
        ([code("compare(model, rows, x, y)"), code("evaluation.controls(model, x, y, eps=eps)")], True),
        ([code("compare(model, rows | {'random signs': signs}, x, y)")], True),
        ([code("plots.accuracy_curve(eps, {'PGD': a, 'random field': b})")], True),
        ([code("table", html="<th>success_rate</th><th>noise of the same size</th>")], True),
        ([code("accuracy = training.accuracy(model, x, y)")], True),
        (md("```python\ncompare(model)\n```"), True),
    ],
)
def test_controls(section, right):
    lecture = [
        *md("# 5 · A title", "## 1 First"),
        code("random_signs(x)"),
        *md("## 2 Second"),
        *section,
        *md("## Summary"),
    ]
    assert [*form.without_control(lecture)] == ([] if right else ["2 Second"])


def test_long_cells():
    body = "\n\n".join(f"x = {k}  # a number" for k in range(form.LIMIT))
    free = "%pip install a\nimport torch\nfrom a import (\n    b,\n    c,\n)\n\n# words\nif x:\n    %pip install b\n"
    assert form.lines(free) == 3 and form.lines(body) == form.LIMIT
    lecture = [
        code(f"import torch\n{body}"),
        *md(f"{body}\n{body}\nx"),
        code(f"{body}\ny = 1"),
        code(f"{body}\n{body}"),
    ]
    assert form.long_cells(lecture) == [2 * form.LIMIT, form.LIMIT + 1]


@pytest.mark.parametrize(
    ("taken", "put", "told"),
    [
        ("", "", []),
        ("**Objectives.**", "**After this lecture you can**", []),
        ("**Objectives.**", "Objectives.", ["no line begins with **Objectives.**"]),
        ("**Prerequisites.**", "", ["no line begins with **Prerequisites.**"]),
        ("Threat model of", "Words on", ["nowhere stands > **Threat model of this"]),
        ("What you should see", "", ["nowhere stands **What you should see …**"]),
        ("What would fool you", "", ["nowhere stands **What would fool you …**"]),
        ("## Pitfalls", "## Traps", ["it ends in ['Summary', 'Find the bug: the slides', 'References']"]),
        ("## Summary", "## References", ["it ends in ['References', 'Pitfalls'"]),
        ("## Find the bug: the slides", "## More", []),
    ],
)
def test_boxes(taken, put, told):
    found = [*form.boxes_missing(md(*(text.replace(taken, put) if taken else text for text in (*BOXES, *END))))]
    assert [one[: len(words)] for one, words in zip(found, told, strict=True)] == told


@pytest.mark.parametrize(
    ("head", "marks", "told"),
    [
        (HEAD, 1, []),
        (HEAD, 0, ["0 stopping points are marked, expected 1, as its time says", "no stopping point in 80 minutes"]),
        (HEAD, 2, ["2 stopping points are marked, expected 1, as its time says"]),
        (HEAD.replace("A stopping point is", "Two stopping points are"), 2, []),
        (HEAD.partition(" A stopping")[0], 0, ["no stopping point in 80 minutes"]),
        (HEAD.partition(" A stopping")[0].replace("80", "40"), 0, []),
    ],
)
def test_stopping_points(head, marks, told):
    assert [*form.stopping_points(md(head, *["*A stopping point. What follows is short.*"] * marks))] == told


def test_minutes():
    assert form.minutes(md(HEAD)) == (80, 50)
    assert form.minutes(md("**Time.** 20 minutes to read and run, 16 for the exercises.")) == (20, 16)
    with pytest.raises(ValueError, match="its time is not said"):
        form.minutes(md("**Time.** Some hours."))


def test_excuses_are_taken_one_by_one_and_given_back():
    assert form.settled(["a", "b"], {"b": "why", "a": "why"}) == []
    assert form.settled(["a", "b"], {"a": "why"}) == ["b"]
    assert form.settled([], {"a": "why"}) == ["'a' is excused and in order now: take it out of the list"]
    assert form.settled([20, 20, 19], [20, 19]) == ["20"]
    assert form.settled([19], [20, 19]) == ["20 is excused and in order now: take it out of the list"]


def test_a_rule_reads_prose_and_no_code():
    assert re.search("words", form.prose(*md("words\n```\ncode\n```")))
    assert form.prose(*md("```\n## no heading\n```")) == form.prose(code("# comment")) == ""
