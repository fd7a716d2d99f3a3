"""Each optimiser clears its gradients after its own step: the critic keeps what the generator's step left there."""

EXPECTED = {"test_turns": 0, "test_steps": 0}
REPLACE = {
    "train": {
        "            to_critic.zero_grad()\n": "",
        "            to_critic.step()\n": ("            to_critic.step()\n            to_critic.zero_grad()\n"),
        ("        to_generator.zero_grad()\n        losses"): "        losses",
        "        to_generator.step()\n": ("        to_generator.step()\n        to_generator.zero_grad()\n"),
        ("    to_critic.zero_grad()\n    to_generator.zero_grad()\n    return"): "    return",
    },
}
