"""The hinge is written with probabilities."""

EXPECTED = {"test_hinge": 0, "test_hinge_one_class": 0}
REPLACE = {"hinge": {"    best = logits": "    logits = logits.softmax(1)\n    best = logits"}}
