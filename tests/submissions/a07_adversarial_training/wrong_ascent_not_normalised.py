"""The gradient is the step, as long as it happens to be."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {("unit = torch.where(lengths > 0, g / lengths.clamp_min(torch.finfo(g.dtype).tiny), 0.0)"): "unit = g"}
}
