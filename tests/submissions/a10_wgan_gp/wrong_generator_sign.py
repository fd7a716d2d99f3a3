"""The generator lowers the critic's loss."""

EXPECTED = {"test_generator_loss": 0}
REPLACE = {
    "generator_loss": {
        "critic(real) - critic(fake)": "critic(fake) - critic(real)",
    },
}
