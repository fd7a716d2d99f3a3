"""Every step has a ball around the point that it starts from."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"* unit, images, eps)": "* unit, x.detach(), eps)"}}
