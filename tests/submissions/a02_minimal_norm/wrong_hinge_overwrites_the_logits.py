"""The logits that are given are overwritten."""

EXPECTED = {"test_hinge": 0}
REPLACE = {"hinge": {"logits.masked_fill(wanted, -torch.inf)": "logits.masked_fill_(wanted, -torch.inf)"}}
