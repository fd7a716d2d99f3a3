"""Both differences are taken the other way round: every whirl turns counter-clockwise."""

EXPECTED = {"test_velocity": 0}
REPLACE = {
    "velocity": {"corners.diff(dim=1), -corners.diff(dim=2)": "-corners.diff(dim=1), corners.diff(dim=2)"},
}
