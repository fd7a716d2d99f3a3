"""A pixel is judged by the colour that adds most."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"(moved - images)).sum(1)": "(moved - images)).amax(1)"}}
