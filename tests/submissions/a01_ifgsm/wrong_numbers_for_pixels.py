"""Single numbers are chosen, not pixels with all their colours."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {
    "fgsm": {
        "(gradient * (moved - images)).sum(1).flatten(1)": "(gradient * (moved - images)).flatten(1)",
        "chosen.view_as(images[:, :1])": "chosen.view_as(images)",
    }
}
