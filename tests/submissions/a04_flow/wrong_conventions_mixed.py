"""The grid by one convention, read by the other."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"align_corners=False": "align_corners=True"},
}
