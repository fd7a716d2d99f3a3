"""PyTorch's own random numbers are seeded on the way, though masks come from the generator."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "    total = torch.zeros_like(images)": "    torch.manual_seed(0)\n    total = torch.zeros_like(images)",
    },
}
