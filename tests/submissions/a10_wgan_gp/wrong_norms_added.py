"""The norms of the layers are added up."""

EXPECTED = {"test_lipschitz": 0}
REPLACE = {
    "lipschitz": {
        "upper, one = 1.0": "upper, one = 0.0",
        "upper *= spectral": "upper += spectral",
    },
}
