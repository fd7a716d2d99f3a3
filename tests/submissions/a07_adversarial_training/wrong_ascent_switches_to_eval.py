"""The network is switched to eval mode and stays there."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"    for _ in range(steps):": "    model.eval()\n    for _ in range(steps):"}}
