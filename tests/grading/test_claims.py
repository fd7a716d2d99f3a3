"""What the checks of claims and of doubts say, and that the tables they make up are read as they should be."""

import pandas
import pytest

from advcourse.grading import claims
from tests.support.refusals import says

COLUMNS = ["defense", "attack", "made_for", "eps", "n", "right"]


def table(*lines):
    return pandas.DataFrame(
        [("A", *line) for line in lines], columns=COLUMNS, index=[f"r{i}" for i in range(len(lines))]
    )


def claimed(*accuracies, eps=0.2):
    return pandas.DataFrame({"defense": "A", "eps": eps, "accuracy": accuracies})


ROWS = table(
    ("iterated", "A", 0.1, 100, 70),
    ("iterated", "A", 0.1, 20, 14),
    ("random signs", "", 0.3, 100, 5),
    ("one step", "B", 0.2, 400, 288),
)


def test_claims_by_hand():
    assert claims._refuting(claimed(0.8, 0.79, 0.76), ROWS) == ["r3", "r3", None]
    assert claims._refuting(claimed(0.8, 0.79), ROWS[:2]) == ["r0", None]
    assert claims._refuting(claimed(0.8, eps=0.3), ROWS) == ["r2"]
    assert claims._refuting(claimed(0.9, eps=0.05), ROWS) == [None]


def test_signs_by_hand():
    own = (("one step", "A", 0.1, 50, 30), ("iterated", "A", 0.1, 50, 20), ("random signs", "", 0.1, 50, 45))
    assert claims._signs(table(*own), "A") == set()
    assert claims._signs(table(*own), "B") == {"not attacked"}
    assert claims._signs(table(own[0], (*own[1][:4], 31), own[2]), "A") == {"one step"}
    assert claims._signs(table(*own, ("black box", "", 0.1, 50, 19)), "A") == {"black box"}
    assert claims._signs(table(*own, ("iterated", "B", 0.1, 50, 19)), "A") == {"black box"}
    assert claims._signs(table(*own, ("black box", "", 0.2, 50, 19)), "A") == set()
    assert claims._signs(table(*own, ("random signs", "", 0.1, 100, 40)), "A") == {"control"}


@pytest.mark.parametrize("seed", range(5))
def test_tables_are_the_same_for_a_seed_and_hold_no_nonsense(seed):
    some, rows = claims.made_up(seed)
    assert all(a.equals(b) for a, b in zip((some, rows), claims.made_up(seed), strict=True))
    assert (rows["right"] <= rows["n"]).all() and rows.index.is_unique
    assert ((rows["made_for"] == "") == rows["attack"].isin(["random signs", "black box"])).all()
    assert any(each is None for each in claims._refuting(some, rows)) and any(claims._refuting(some, rows))


def test_made_up_tables_tell_the_mistakes():
    """Every misreading differs from the right one on one of the tables that a student sees."""
    told = {
        why
        for seed in range(3)
        for why, other in claims._misread_claims(*claims.made_up(seed)).items()
        if other != claims._refuting(*claims.made_up(seed))
    }
    assert told == set(claims._misread_claims(*claims.made_up(0)))


@pytest.mark.parametrize(
    "value, pattern",
    [
        (lambda c, r: claims._refuting(c, r)[:-1], "returned 11 entries, expected 12"),
        (lambda c, r: dict(enumerate(claims._refuting(c, r))), "expected a list"),
        (lambda c, r: claims._refuting(c, r, bound=0), "less than two standard errors"),
        (lambda c, r: claims._refuting(c, r, label=False), "expected its label"),
        (lambda c, r: claims._refuting(c, r, own=False), "rows of other defenses"),
        (lambda c, r: [-1] * len(c), "you name -1"),
        (lambda c, r: r.__setitem__("n", 5000) or claims._refuting(c, r), "changed a table"),
    ],
)
def test_what_is_said_of_claims(value, pattern):
    def refuted_by(some, rows):
        return value(some, rows)

    with says(pattern):
        for seed in range(4):
            claims.refutes(refuted_by, *claims.made_up(seed))


@pytest.mark.parametrize(
    "value, pattern",
    [
        (lambda r, d: claims._signs(r, d, at_once=True), "different ε"),
        (lambda r, d: claims._signs(r, d, foreign="none"), "are left out"),
        (lambda r, d: claims._signs(r, d) | {"slow"}, "slow is none of the signs"),
        (lambda r, d: claims._signs(r, d) - {"control"}, "'control' is there|more than random signs"),
        (lambda r, d: "control", "expected a set"),
    ],
)
def test_what_is_said_of_doubts(value, pattern):
    def doubts(rows, defense):
        return value(rows, defense)

    with says(pattern):
        for seed in range(4):
            for name in "ABC":
                claims.doubtful(doubts, claims.made_up(seed, 36)[1], name)
