"""samples is taken for the number of pairs: twice the queries."""

EXPECTED = {
    "test_rademacher_points": 0,
    "test_rademacher_gradient": 0,
    "test_orthogonal_points": 0,
    "test_orthogonal_gradient": 0,
}
REPLACE = {
    "rademacher_gradient": {
        "samples // 2": "samples",
    },
    "orthogonal_gradient": {
        "pairs, pixels = samples // 2, images[0].numel()": (
            "pairs, pixels = min(samples, images[0].numel()), images[0].numel()"
        ),
    },
}
