"""after is called before the step."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        ("            to_critic.step()\n            if after is not None:\n                after(critic)\n"): (
            "            if after is not None:\n                after(critic)\n            to_critic.step()\n"
        ),
    },
}
