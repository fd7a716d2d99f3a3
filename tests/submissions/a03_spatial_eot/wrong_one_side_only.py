"""From 0 to the limit."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {
    "transform_grid": {"torch.arange(1 - m, m, 2) / (m - 1)": "torch.arange(m) / (m - 1)"},
}
