"""Only the first colour channel is used."""

EXPECTED = {"test_motion_gradient": 0}
REPLACE = {
    "motion_gradient": {
        "(gradient * along_x).sum(1)": "(gradient * along_x)[:, 0]",
        "(gradient * along_y).sum(1)": "(gradient * along_y)[:, 0]",
    }
}
