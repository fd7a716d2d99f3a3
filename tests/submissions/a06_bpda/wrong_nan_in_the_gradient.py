"""0 / 0 in the branch that torch.where does not choose."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "total / count.clamp_min(1)": "(total * total).sqrt() / count",
    },
}
