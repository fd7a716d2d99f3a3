"""One optimiser moves both networks in every step."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        ("torch.optim.Adam(network.parameters(), lr=rate, betas=(0.0, 0.9))"): (
            "torch.optim.Adam([*critic.parameters(), *generator.parameters()], lr=rate, betas=(0.0, 0.9))"
        ),
    },
}
