"""The caller's images require a gradient afterwards."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"    for _ in range(steps):": "    images.requires_grad_()\n    for _ in range(steps):"}}
