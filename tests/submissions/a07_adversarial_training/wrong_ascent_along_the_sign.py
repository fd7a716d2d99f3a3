"""The step is along the sign of the gradient."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        ("unit = torch.where(lengths > 0, g / lengths.clamp_min(torch.finfo(g.dtype).tiny), 0.0)"): ("unit = g.sign()")
    }
}
