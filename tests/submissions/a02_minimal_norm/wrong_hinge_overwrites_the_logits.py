"""The logits that are given are overwritten."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}
REPLACE = {
    "hinge": {"logits.scatter(1, labels[:, None], -torch.inf)": "logits.scatter_(1, labels[:, None], -torch.inf)"}
}
