"""The length of δ is that of the whole batch."""

EXPECTED = {"test_nearest": 0}
REPLACE = {"nearest": {"delta.flatten(1).norm(dim=1)": "delta.norm().expand(len(images))"}}
