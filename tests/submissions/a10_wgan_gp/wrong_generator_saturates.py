"""The generator has the critic's loss with a minus sign."""

EXPECTED = {"test_generator_loss": 0}
REPLACE = {
    "generator_loss": {
        "F.softplus(critic(real) - critic(fake))": "-F.softplus(critic(fake) - critic(real))",
    },
}
