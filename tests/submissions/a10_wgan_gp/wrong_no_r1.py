"""The slope at real images is not penalised."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "(first + second)": "second",
    },
}
