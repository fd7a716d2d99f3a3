"""2x - 1 is cut off at ±τ instead of being scaled: grey pixels keep their value."""

EXPECTED = {"test_tanh": 0}


# %% grade_id: tanh
TAU = 0.999


def to_tanh(images):
    return torch.atanh((2 * images.detach() - 1).clamp(-TAU, TAU))


def from_tanh(w):
    return 0.5 * (torch.tanh(w) + 1)
