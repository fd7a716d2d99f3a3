"""Success is judged without the confidence."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {
    "carlini_wagner": {"            success = success & (hinge(logits, wanted, confidence) <= -confidence)\n": ""}
}
