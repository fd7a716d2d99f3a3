"""The average takes in the generator before its step."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        ("        to_generator.zero_grad()\n        losses"): (
            "        with torch.no_grad():\n"
            "            for a, w in zip(average.parameters(), generator.parameters(), "
            "strict=True):\n"
            "                a.lerp_(w, 1 - decay)\n"
            "        to_generator.zero_grad()\n"
            "        losses"
        ),
        (
            "        with torch.no_grad():\n"
            "            for a, w in zip(average.parameters(), generator.parameters(), "
            "strict=True):\n"
            "                a.lerp_(w, 1 - decay)\n"
            "    with"
        ): "    with",
    },
}
