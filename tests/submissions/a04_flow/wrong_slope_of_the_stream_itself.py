"""The square of psi in the place of c times psi."""

EXPECTED = {"test_predicted_slope": 0}
REPLACE = {
    "predicted_slope": {
        "c, -fast_stream(c, gamma, alpha)": ("fast_stream(c, gamma, alpha), fast_stream(c, gamma, alpha)")
    },
}
