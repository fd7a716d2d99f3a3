"""Real and made images are judged one by one, as in the first GAN."""

EXPECTED = {"test_critic_loss": 0, "test_generator_loss": 0}
REPLACE = {
    "critic_loss": {
        "F.softplus(at_fake - at_real)": "F.softplus(at_fake) + F.softplus(-at_real)",
    },
    "generator_loss": {
        "F.softplus(critic(real) - critic(fake))": "F.softplus(-critic(fake))",
    },
}
