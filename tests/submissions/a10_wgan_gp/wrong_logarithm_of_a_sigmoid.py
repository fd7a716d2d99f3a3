"""The logarithm of a sigmoid, which is minus infinity where answers are hundreds apart."""

EXPECTED = {"test_critic_loss": 0, "test_generator_loss": 0}
REPLACE = {
    "critic_loss": {
        "F.softplus(at_fake - at_real)": "-torch.log(torch.sigmoid(at_real - at_fake))",
    },
    "generator_loss": {
        "F.softplus(critic(real) - critic(fake))": ("-torch.log(torch.sigmoid(critic(fake) - critic(real)))"),
    },
}
