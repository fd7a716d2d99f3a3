"""The answers' graph is kept, and in the second estimator too."""

EXPECTED = {"test_rademacher_gradient": 0, "test_orthogonal_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        "with torch.no_grad():": "if True:",
    },
    "orthogonal_gradient": {
        "with torch.no_grad():": "if True:",
    },
}
