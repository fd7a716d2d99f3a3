"""The ball is around the start."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        "    for _ in range(steps):": "    centre = x.clone()\n    for _ in range(steps):",
        "* unit, images, eps)": "* unit, centre, eps)",
    }
}
