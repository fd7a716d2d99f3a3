"""Image and start are mixed, in place of cutting pixel by pixel."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "images[rows] + way[rows].clamp(-reach, reach)": (
            "images[rows] + way[rows] * reach / way[rows].abs().flatten(1).amax(1).clamp_min(1e-9).view(-1, 1, 1, 1)"
        ),
        "images + way.clamp(-reach, reach)": (
            "images + way * reach / way.abs().flatten(1).amax(1).clamp_min(1e-9).view(-1, 1, 1, 1)"
        ),
    },
}
