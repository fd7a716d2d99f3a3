"""d_x and d_y count alike."""

EXPECTED = {"test_stream_gradient": 0}
REPLACE = {
    "stream_gradient": {
        "both_columns.diff(dim=2) - both_rows.diff(dim=1)": "both_columns.diff(dim=2) + both_rows.diff(dim=1)"
    },
}
