"""Directions are drawn in float32 and added to images in float64: right but for rounding."""

EXPECTED = {}
REPLACE = {
    "orthogonal_gradient": {
        "generator=generator, dtype=images.dtype)": "generator=generator)",
    },
}
