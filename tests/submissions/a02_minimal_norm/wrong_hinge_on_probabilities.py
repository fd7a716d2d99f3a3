"""The hinge is written with probabilities."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}
REPLACE = {"hinge": {"    own = logits": "    logits = logits.softmax(1)\n    own = logits"}}
