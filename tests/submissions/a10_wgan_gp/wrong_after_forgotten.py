"""after is never called."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "                after(critic)\n": "                pass\n",
    },
}
