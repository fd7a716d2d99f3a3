"""The step is along the gradient, as one first thinks of."""

EXPECTED = {"test_turn": 0}
REPLACE = {
    "turn": {
        "z = noise * (h / noise.flatten(1)": (
            "noise = slope(images).detach() + 1e-300\n    z = noise * (h / noise.flatten(1)"
        )
    }
}
