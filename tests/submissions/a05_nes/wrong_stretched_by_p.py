"""The unit vectors are stretched by P in place of its root."""

EXPECTED = {"test_orthogonal_points": 0, "test_orthogonal_gradient": 0}
REPLACE = {
    "orthogonal_gradient": {
        "pixels**0.5 * q": "pixels * q",
    },
}
