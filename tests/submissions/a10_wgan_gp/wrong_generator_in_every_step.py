"""The generator moves after every step of the critic."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        (
            "                after(critic)\n"
            "        real = next(batches)\n"
            "        fake = made(real)\n"
            "        to_generator.zero_grad()\n"
            "        losses[1](critic, real, fake).mean().backward()\n"
            "        to_generator.step()\n"
        ): (
            "                after(critic)\n"
            "            real = next(batches)\n"
            "            fake = made(real)\n"
            "            to_generator.zero_grad()\n"
            "            losses[1](critic, real, fake).mean().backward()\n"
            "            to_generator.step()\n"
        ),
    },
}
