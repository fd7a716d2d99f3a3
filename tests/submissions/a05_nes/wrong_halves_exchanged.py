"""The search goes on in the wrong half."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "torch.where(there, middle, high[rows])": "torch.where(there, high[rows], middle)",
        "torch.where(there, low[rows], middle)": "torch.where(there, middle, low[rows])",
    },
}
