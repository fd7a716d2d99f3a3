"""The mean over the colours instead of their sum."""

EXPECTED = {"test_motion_gradient": 0}
REPLACE = {
    "motion_gradient": {
        "(gradient * along_x).sum(1)": "(gradient * along_x).mean(1)",
        "(gradient * along_y).sum(1)": "(gradient * along_y).mean(1)",
    }
}
