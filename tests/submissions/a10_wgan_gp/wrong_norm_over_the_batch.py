"""One norm for the whole batch."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("torch.linalg.vector_norm(slope.flatten(1), order, dim=1) - 1"): (
            "torch.linalg.vector_norm(slope, order).expand(len(real)) - 1"
        ),
    },
}
