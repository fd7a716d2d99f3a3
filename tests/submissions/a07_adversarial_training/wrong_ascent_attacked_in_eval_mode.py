"""The ascent switches to eval mode and back: it climbs another function than the network is."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        "    for _ in range(steps):\n": "    modes = [m.training for m in model.modules()]\n    model.eval()\n"
        "    for _ in range(steps):\n",
        "    return x": "    for m, mode in zip(model.modules(), modes):\n        m.training = mode\n    return x",
    }
}
