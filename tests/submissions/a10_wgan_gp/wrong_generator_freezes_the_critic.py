"""The critic is frozen, and left so."""

EXPECTED = {"test_generator_loss": 0}
REPLACE = {
    "generator_loss": {
        "    return": "    critic.requires_grad_(False)\n    return",
    },
}
