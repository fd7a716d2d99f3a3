"""The mask is drawn once, before the loop."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        (
            "    for _ in range(draws):\n"
            "        drawn = torch.rand(len(images), 1, *images.shape[2:], generator=generator, "
            "dtype=images.dtype)\n"
        ): (
            "    drawn = torch.rand(len(images), 1, *images.shape[2:], generator=generator, "
            "dtype=images.dtype)\n"
            "    for _ in range(draws):\n"
        ),
    },
}
