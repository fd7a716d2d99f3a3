"""The norm is taken over the channels, at every place, and averaged."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("torch.linalg.vector_norm(slope.flatten(1), order, dim=1) - 1"): (
            "torch.linalg.vector_norm(slope, order, dim=1) - 1"
        ),
        ("return excess.relu().square() + below * (-excess).relu().square()"): (
            "return (excess.relu().square() + below * (-excess).relu().square()).view(len(real), -1).mean(1)"
        ),
    },
}
