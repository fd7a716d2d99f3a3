"""A pixel moves by what flows through its right and its lower side."""

EXPECTED = {"test_velocity": 0}
REPLACE = {
    "velocity": {
        "(right[..., :-1] + right[..., 1:]) / 2": "right[..., 1:]",
        "(down[:, :-1] + down[:, 1:]) / 2": "down[:, 1:]",
    },
}
