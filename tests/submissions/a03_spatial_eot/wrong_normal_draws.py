"""Normal draws."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {"1 - 2 * torch.rand(": "0.577 * torch.randn("},
}
