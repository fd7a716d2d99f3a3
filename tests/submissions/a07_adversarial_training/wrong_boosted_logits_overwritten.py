"""Classes are taken out in the caller's logits."""

EXPECTED = {"test_boosted": 0}
REPLACE = {"boosted": {"    rest = logits.scatter(": "    logits.data.add_(0.5)\n    rest = logits.scatter("}}
