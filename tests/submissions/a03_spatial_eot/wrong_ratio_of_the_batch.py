"""One ratio for the batch."""

EXPECTED = {"test_noise_ratio": 0}
REPLACE = {
    "noise_ratio": {
        "estimates.flatten(2)": ("estimates.flatten(2).flatten(1)[:, None].expand(-1, estimates.shape[1], -1)")
    },
}
