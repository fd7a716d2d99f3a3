"""What a lecture may still break of its form (form.py, test_form.py). The lists get shorter only."""

from . import form

EARLIER = "written before the rule, and not yet brought into its form"
# What a lecture may break, by rule and lecture, with the reason. A new lecture has no entry, and one that is needed no
# longer fails the test. Exercises without a check stand in UNCHECKED of test_solutions.py.
EXCUSED = {
    ("not_cited", "00"): (
        "it teaches the way in, and takes nothing from a deck",
        [f"the references name no deck: a line with the word deck or slides and one of {', '.join(form.DECKS)}"],
    ),
}

# Lengths of the cells over the limit, which were there when it came: the list gets shorter only.
LONG = {
}
