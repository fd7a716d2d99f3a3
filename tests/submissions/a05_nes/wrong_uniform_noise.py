"""The noise is uniform."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        ("mu * torch.randn(shape, generator=generator, dtype=images.dtype)"): (
            "mu * (2 * torch.rand(shape, generator=generator, dtype=images.dtype) - 1)"
        ),
    },
}
