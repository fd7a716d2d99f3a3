"""grid_sample's default padding: black comes in from outside."""

EXPECTED = {"test_warp": 0}
REPLACE = {"warp": {', padding_mode="border"': ""}}
