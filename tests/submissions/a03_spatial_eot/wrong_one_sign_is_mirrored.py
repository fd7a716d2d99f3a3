"""The draw that is mirrored is never negative."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {"1 - 2 * torch.rand": "torch.rand"},
}
