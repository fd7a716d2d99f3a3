"""γ stands without its half."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "gamma / 2": "gamma",
    },
}
