"""The orthonormal vectors are not stretched."""

EXPECTED = {"test_orthogonal_points": 0, "test_orthogonal_gradient": 0}
REPLACE = {
    "orthogonal_gradient": {
        "pixels**0.5 * q": "q",
    },
}
