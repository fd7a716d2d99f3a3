"""torch.roll: what leaves on one side comes in on the other."""

EXPECTED = {"test_shake": 0}


# %% grade_id: shake
def shake(images, moves, weights):
    return sum(w * images.roll((-int(r), -int(c)), (2, 3)) for (r, c), w in zip(moves, weights, strict=True))
