"""The slopes are to be one, as in WGAN-GP."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "slope.flatten(1).square().sum(1)": "(slope.flatten(1).norm(dim=1) - 1).square()",
    },
}
