"""The moves are turned round, which is right inside and wrong at the border."""

EXPECTED = {"test_shake_transpose": 0}


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    return shake(gradients, -moves, weights)
