"""The critic is looked at in eval mode, and put back."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        "    scores = critic(x)\n": (
            "    mode = critic.training\n    critic.eval()\n    scores = critic(x)\n    critic.train(mode)\n"
        ),
    },
}
