"""The lengths of the slopes are not squared."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "slope.flatten(1).square().sum(1)": "slope.flatten(1).norm(dim=1)",
    },
}
