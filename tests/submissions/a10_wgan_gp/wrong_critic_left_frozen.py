"""The critic is frozen for the generator's step, and left so."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "        losses[1](critic": (
            "        for p in critic.parameters():\n            p.requires_grad_(False)\n        losses[1](critic"
        ),
        "            to_critic.zero_grad()\n": (
            "            for p in critic.parameters():\n"
            "                p.requires_grad_(True)\n"
            "            to_critic.zero_grad()\n"
        ),
    },
}
