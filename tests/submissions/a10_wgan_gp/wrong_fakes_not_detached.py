"""The made images keep the graph of the generator."""

EXPECTED = {"test_critic_loss": 0}
REPLACE = {
    "critic_loss": {
        ("    x, y = (each.detach().clone().requires_grad_() for each in (real, fake))"): (
            "    x, y = real.detach().clone().requires_grad_(), fake"
        ),
    },
}
