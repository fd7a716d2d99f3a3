"""The generator moves first."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "    for _ in range(rounds):\n": (
            "    for _ in range(rounds):\n"
            "        real = next(batches)\n"
            "        to_generator.zero_grad()\n"
            "        losses[1](critic, real, made(real)).mean().backward()\n"
            "        to_generator.step()\n"
        ),
        (
            "        real = next(batches)\n"
            "        fake = made(real)\n"
            "        to_generator.zero_grad()\n"
            "        losses[1](critic, real, fake).mean().backward()\n"
            "        to_generator.step()\n"
        ): "",
    },
}
