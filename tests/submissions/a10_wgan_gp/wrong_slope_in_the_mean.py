"""The mean slope, and the scores averaged before."""

EXPECTED = {"test_lipschitz": 0}
REPLACE = {
    "lipschitz": {
        ".norm(dim=1).max()": ".norm(dim=1).mean()",
    },
}
