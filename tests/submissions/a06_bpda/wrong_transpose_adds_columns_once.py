"""Rows are added up as often as they come, columns once."""

EXPECTED = {"test_shake_transpose": 0}
REPLACE = {
    "shake_transpose": {
        "total.index_add_(3, j, given_back)": "total[..., j] += given_back",
    },
}
