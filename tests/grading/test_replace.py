"""A submission may say what differs from the master's answer: which text for which, each found once."""

import pytest

from tests.grading import bank

SOLVED = {"step": "def step(x, y):\n    return x + y, x\n", "other": "def other():\n    return 1"}


def read(folder, rest, replace):
    file = folder / "wrong_sign.py"
    file.write_text(f'"""The sign is flipped."""\n\nEXPECTED = {{"test_step": 0}}\nREPLACE = {replace!r}\n{rest}')
    return bank.read(file, SOLVED)


def test_texts_of_the_masters_answer_are_replaced(tmp_path):
    found = read(tmp_path, "", {"step": {"x + y": "x - y", "def step(x, y):": "def step(x, y, z=0):"}})
    assert found.answers == {"step": "def step(x, y, z=0):\n    return x - y, x\n"}
    assert found.expected == {"test_step": 0} and found.about == "The sign is flipped."


def test_texts_can_be_exchanged(tmp_path):
    found = read(tmp_path, "", {"step": {"x + y": "x", ", x\n": ", x + y\n"}})
    assert found.answers["step"].endswith("return x, x + y\n")


def test_other_cells_may_be_answered_beside_it(tmp_path):
    rest = "\n\n# %% grade_id: other\ndef other():\n    REPLACE = EXPECTED = 2\n    return 2\n"
    found = read(tmp_path, rest, {"step": {"x + y": "x - y"}})
    assert found.answers.keys() == {"step", "other"} and found.answers["other"].endswith("return 2")


@pytest.mark.parametrize(
    ("replace", "rest", "message"),
    [
        ({"stop": {"x": "y"}}, "", "no answer cell is called stop; there are step, other"),
        ({"step": {"x * y": "x"}}, "", "'x \\* y' stands 0 times in the master's step, expected once"),
        ({"step": {"x": "z"}}, "", "'x' stands 3 times in the master's step, expected once"),
        ({"step": {"x + y": "x", "y, x\n": "x"}}, "", "texts to replace in step overlap: 'x \\+ y', 'y, x"),
        (
            {"other": {"1": "2"}},
            "\n\n# %% grade_id: other\ndef other():\n    return 2\n",
            "other stands in REPLACE and is answered too",
        ),
    ],
    ids=["unknown cell", "not found", "found often", "overlap", "answered too"],
)
def test_what_cannot_be_replaced_is_named_with_its_file(tmp_path, replace, rest, message):
    with pytest.raises(ValueError, match=f"wrong_sign.py: {message}"):
        read(tmp_path, rest, replace)


def test_an_answer_to_an_unknown_cell_is_refused():
    assignment = bank.assignments()[0]
    with pytest.raises(ValueError, match="no answer cell is called nothing; there are "):
        bank.answered(assignment, {"nothing": "pass"})


def test_the_master_is_that_of_the_folder():
    """Of the shipped submissions: what is replaced is the answer that the master gives, without its markers."""
    found = bank.read(bank.FOLDER / "a01_ifgsm" / "wrong_sign_flipped.py")
    solved = bank.solutions("a01_ifgsm")["fgsm"]
    assert "SOLUTION" not in solved and found.answers == {"fgsm": solved.replace("() + eps", "() - eps")}
    cells = {cell["id"]: cell["source"] for cell in bank.answered("a01_ifgsm", found.answers)["cells"]}
    assert cells["fgsm"] == found.answers["fgsm"]
