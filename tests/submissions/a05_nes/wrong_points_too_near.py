"""Unit vectors, and an estimate that is right for them: the points lie too near."""

EXPECTED = {"test_orthogonal_points": 0}
REPLACE = {
    "orthogonal_gradient": {
        "pixels**0.5 * q": "q",
        "(2 * sigma) * v": "(2 * sigma) * pixels * v",
    },
}
