"""Layers are divided by their norm, whatever the bound is."""

EXPECTED = {"test_project": 0}
REPLACE = {
    "project": {
        "mul_(bound / sigma)": "mul_(1 / sigma)",
    },
}
