"""artanh without scaling: infinite for pixels of 0 and 1."""

EXPECTED = {"test_tanh": 0}


# %% grade_id: tanh
TAU = 0.999


def to_tanh(images):
    return torch.atanh(2 * images.detach() - 1)


def from_tanh(w):
    return 0.5 * (torch.tanh(w) + 1)
