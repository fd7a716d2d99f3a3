"""R1 and R2 have their values, but no gradient to the weights."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "create_graph=True": "retain_graph=True",
    },
}
