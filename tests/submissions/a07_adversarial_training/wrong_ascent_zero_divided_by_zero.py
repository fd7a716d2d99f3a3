"""A gradient of zero is divided by its length."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"torch.where(lengths > 0, g / lengths.clamp_min(torch.finfo(g.dtype).tiny), 0.0)": "g / lengths"}}
