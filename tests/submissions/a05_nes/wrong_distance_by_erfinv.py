"""The root of 2 between erfinv and Φ⁻¹ is forgotten."""

EXPECTED = {"test_boundary_distance": 0}
REPLACE = {
    "boundary_distance": {
        ("torch.special.ndtri(scores.clamp(0.5 / copies, 1 - 0.5 / copies))"): (
            "torch.erfinv(2 * scores.clamp(0.5 / copies, 1 - 0.5 / copies) - 1)"
        ),
    },
}
