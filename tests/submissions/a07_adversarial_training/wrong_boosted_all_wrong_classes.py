"""All wrong classes count, whatever m is."""

EXPECTED = {"test_boosted": 0}
REPLACE = {"boosted": {"topk(m, dim=1)": "topk(logits.shape[1] - 1, dim=1)"}}
