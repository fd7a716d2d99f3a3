"""The critic is to take made images for the real ones."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        "F.softplus(at_fake - at_real)": "F.softplus(at_real - at_fake)",
    },
}
