"""The average takes the generator in after steps of the critic, too."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        "            if after is not None:\n": (
            "            with torch.no_grad():\n"
            "                for a, w in zip(average.parameters(), generator.parameters(), "
            "strict=True):\n"
            "                    a.lerp_(w, 1 - decay)\n"
            "            if after is not None:\n"
        ),
    },
}
