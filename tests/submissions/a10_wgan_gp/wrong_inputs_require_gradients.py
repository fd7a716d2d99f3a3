"""The images that were given are made to require gradients."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        ("each.detach().clone().requires_grad_() for each in (real, fake)"): (
            "each.requires_grad_() for each in (real, fake.detach())"
        ),
    },
}
