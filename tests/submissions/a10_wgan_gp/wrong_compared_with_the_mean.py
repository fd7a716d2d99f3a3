"""Real images are compared with the mean of the made ones."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "F.softplus(at_fake - at_real)": "F.softplus(at_fake.mean() - at_real)",
    },
}
