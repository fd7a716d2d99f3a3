"""Running means are averaged, too."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        "                a.lerp_(w, 1 - decay)\n": (
            "                a.lerp_(w, 1 - decay)\n"
            "            for a, w in zip(average.buffers(), generator.buffers(), strict=True):\n"
            "                a.copy_(decay * a + (1 - decay) * w)\n"
        ),
        "            a.copy_(w)": "            pass",
    },
}
