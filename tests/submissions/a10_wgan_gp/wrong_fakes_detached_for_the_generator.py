"""The made images are detached in the loss of the generator, too."""

EXPECTED = {"test_generator_loss": 0}
REPLACE = {
    "generator_loss": {
        "critic(fake)": "critic(fake.detach())",
    },
}
