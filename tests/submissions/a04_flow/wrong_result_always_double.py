"""The result is float64 whatever d is."""

EXPECTED = {"test_stream_gradient": 0, "test_velocity": 0}
REPLACE = {
    "stream_gradient": {"    both_rows": "    d = d.double()\n    both_rows"},
    "velocity": {"F.pad(psi, (1, 1, 1, 1))": "F.pad(psi, (1, 1, 1, 1)).double()"},
}
