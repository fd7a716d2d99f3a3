"""One step of the critic too few."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "range(critic_steps)": "range(critic_steps - 1)",
    },
}
