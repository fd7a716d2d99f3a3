"""The generator is not handed on."""

EXPECTED = {
    "test_rademacher_gradient": 0,
    "test_rademacher_points": 0,
    "test_orthogonal_gradient": 0,
    "test_orthogonal_points": 0,
    "test_rank_score": 0,
}
REPLACE = {
    "rademacher_gradient": {
        "torch.randint(2, shape, generator=generator)": "torch.randint(2, shape)",
    },
    "orthogonal_gradient": {
        "generator=generator, ": "",
    },
    "rank_score": {
        "generator=generator, ": "",
    },
}
