"""The best logit of a set is the maximum of mask * z: where all logits are negative that is the 0."""

EXPECTED = {"test_hinge": 0, "test_hinge_one_class": 0}
REPLACE = {
    "hinge": {
        "logits.masked_fill(~wanted, -torch.inf)": "(wanted * logits)",
        "logits.masked_fill(wanted, -torch.inf)": "(~wanted * logits)",
    }
}
