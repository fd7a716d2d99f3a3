"""All steps of the critic in a round see the images of the same latents."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "        for _ in range(critic_steps):\n": ("        z = None\n        for _ in range(critic_steps):\n"),
        ("                fake = made(real)\n            to_critic"): (
            "                z = torch.randn(len(real), latent, generator=chance, "
            "dtype=real.dtype) if z is None else z[torch.arange(len(real)) % len(z)]\n"
            "                fake = generator(z)\n"
            "            to_critic"
        ),
    },
}
