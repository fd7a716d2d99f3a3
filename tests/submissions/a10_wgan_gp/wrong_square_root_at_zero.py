"""The norm is written out as a square root, whose derivative at zero is infinite."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("torch.linalg.vector_norm(slope.flatten(1), order, dim=1) - 1"): (
            "(slope.flatten(1).square().sum(1).sqrt() if p == 2 else slope.flatten(1).norm(order, dim=1)) - 1"
        ),
    },
}
