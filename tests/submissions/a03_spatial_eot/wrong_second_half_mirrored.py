"""The second half mirrors the first."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {
        "torch.cat([shares, -shares], dim=1).flatten(0, 1)": "torch.cat([shares, -shares], dim=0).flatten(0, 1)"
    },
}
