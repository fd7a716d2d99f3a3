"""The transpose has the sign of the minus in the rate."""

EXPECTED = {"test_stream_gradient": 0}
REPLACE = {
    "stream_gradient": {
        ("return (both_columns.diff(dim=2) - both_rows.diff(dim=1)) / 2"): (
            "return (both_rows.diff(dim=1) - both_columns.diff(dim=2)) / 2"
        )
    },
}
