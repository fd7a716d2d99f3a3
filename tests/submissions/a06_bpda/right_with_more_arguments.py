"""Functions have further arguments with defaults, and the mean of the batch where only its sign counts."""

EXPECTED = {}
REPLACE = {
    "shake": {
        "def shake(images, moves, weights):": "def shake(images, moves, weights, *, verbose=False):",
    },
    "attack_through": {
        "step_size, steps):": "step_size, steps, log=None):",
        'F.cross_entropy(stand_in(x), labels, reduction="sum")': "F.cross_entropy(stand_in(x), labels)",
    },
    "filled": {
        "def filled(images, mask):": "def filled(images, mask, grey=0.5):",
        "total / count.clamp_min(1), 0.5)": "total / count.clamp_min(1), grey)",
    },
}
