"""The step divides by the norm of the normal once, in both exercises."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {" / normal.norm(dim=1, keepdim=True)": ""},
    "deepfool_step": {"normal.square().sum(1, keepdim=True)": "normal.norm(dim=1, keepdim=True)"},
}
