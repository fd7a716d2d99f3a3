"""Gradients are never set to zero."""

EXPECTED = {"test_turns": 0, "test_steps": 0}
REPLACE = {
    "train": {
        "            to_critic.zero_grad()\n": "",
        "        to_generator.zero_grad()\n": "",
        ("    to_critic.zero_grad()\n    to_generator.zero_grad()\n    return"): "    return",
    },
}
