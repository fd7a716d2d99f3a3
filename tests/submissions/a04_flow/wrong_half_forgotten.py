"""Each corner moves a pixel by half of itself; the half is forgotten."""

EXPECTED = {"test_stream_gradient": 0}
REPLACE = {
    "stream_gradient": {") / 2": ")"},
}
