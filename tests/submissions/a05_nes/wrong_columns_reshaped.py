"""The matrices of QR are reshaped into images, columns and all."""

EXPECTED = {"test_orthogonal_points": 0}
REPLACE = {
    "orthogonal_gradient": {
        "[0].transpose(1, 2)": "[0]",
    },
}
