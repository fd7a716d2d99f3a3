"""The slope at made images is not penalised."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "(first + second)": "first",
    },
}
