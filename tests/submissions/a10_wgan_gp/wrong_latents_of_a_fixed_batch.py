"""As many latents as the first batch has images."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        ("    def made(real):\n        return generator(torch.randn(len(real), "): (
            "    def made(real):\n"
            '        generator.size = getattr(generator, "size", len(real))\n'
            "        return generator(torch.randn(generator.size, "
        ),
    },
}
