"""What a lecture may still break of its form (form.py, test_form.py), with the reason. The lists get shorter only.

A new lecture has no entry, and one that is needed no longer fails the test. Exercises without a check stand in
``UNCHECKED`` of test_solutions.py.
"""

from . import form

EXCUSED: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("not_cited", "00"): (
        "it teaches the way in, and takes nothing from a deck",
        [f"the references name no deck: a line with the word deck or slides and one of {', '.join(form.DECKS)}"],
    ),
}
"""By rule and lecture: the reason, and what the rule says."""

LONG: dict[str, list[int]] = {}
"""By lecture, the lengths of its cells over the limit, which were there when it came."""
