"""A small constant is added to the length: short gradients hardly move an image."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        "torch.where(lengths > 0, g / lengths.clamp_min(torch.finfo(g.dtype).tiny), 0.0)": ("g / (lengths + 1e-8)")
    }
}
