"""A is taken to be symmetric, as for a Gaussian blur."""

EXPECTED = {"test_shake_transpose": 0}


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    return shake(gradients, moves, weights)
