"""The real parts of the eigenvalues are compared."""

EXPECTED = {"test_contraction": 0}
REPLACE = {
    "contraction": {
        ".abs().max()": ".real.max()",
    },
}
