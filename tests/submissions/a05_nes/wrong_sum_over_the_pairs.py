"""The guesses of the pairs are added up in both estimators."""

EXPECTED = {"test_rademacher_gradient": 0, "test_orthogonal_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        ".mean(1)": ".sum(1)",
    },
    "orthogonal_gradient": {
        ".mean(1)": ".sum(1)",
    },
}
