"""The sum that divides is taken the root of, in both exercises."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {"(normal * way).sum(1)": "(normal * way).sum(1).sqrt()"},
    "deepfool_step": {"(gaps / gains)[": "(gaps / gains.sqrt())["},
}
