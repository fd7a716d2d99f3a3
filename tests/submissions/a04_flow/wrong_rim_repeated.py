"""The rim repeats the outermost corners instead of being zero."""

EXPECTED = {"test_velocity": 0}
REPLACE = {
    "velocity": {"F.pad(psi, (1, 1, 1, 1))": 'F.pad(psi, (1, 1, 1, 1), mode="replicate")'},
}
