"""What comes back still requires a gradient."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"    return x": "    return x.requires_grad_()"}}
