"""Only differences along the rows of corners count."""

EXPECTED = {"test_dense_stream": 0}
REPLACE = {
    "dense_stream": {" + along_y.T @ along_y": ""},
}
