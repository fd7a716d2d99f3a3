"""The images are not moved."""

EXPECTED = {"test_survival": 0}
REPLACE = {
    "survival": {"slant_translate(adversarial, transform)": "adversarial"},
}
