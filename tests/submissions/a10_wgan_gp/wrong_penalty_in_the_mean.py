"""The penalty is averaged over the batch."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "gamma / 2 * (first + second)": "gamma / 2 * (first + second).mean()",
    },
}
