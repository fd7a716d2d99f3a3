"""Gradients are left in both networks."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        ("    to_critic.zero_grad()\n    to_generator.zero_grad()\n    return"): "    return",
    },
}
