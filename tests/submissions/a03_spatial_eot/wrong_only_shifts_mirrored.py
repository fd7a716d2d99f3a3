"""The slant is not mirrored."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {"-shares]": "shares * torch.tensor([-1.0, -1, 1])]"},
}
