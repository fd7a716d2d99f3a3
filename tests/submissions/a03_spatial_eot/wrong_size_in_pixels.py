"""The size is the largest number, whatever its limit."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {
    "transform_grid": {
        "shares.abs().amax(1)": ("(shares * torch.tensor([max_shift, max_shift, max_slant])).abs().amax(1)")
    },
}
