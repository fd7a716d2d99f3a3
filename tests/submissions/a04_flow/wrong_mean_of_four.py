"""The mean over the four pixels around a corner: half of what it should be."""

EXPECTED = {"test_stream_gradient": 0}
REPLACE = {
    "stream_gradient": {") / 2": ") / 4"},
}
