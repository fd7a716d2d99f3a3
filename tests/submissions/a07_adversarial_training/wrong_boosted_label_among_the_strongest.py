"""The label is among the strongest classes."""

EXPECTED = {"test_boosted": 0}
REPLACE = {"boosted": {"logits.detach().scatter(1, labels[:, None], -math.inf)": "logits.detach()"}}
