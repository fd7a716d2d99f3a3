"""The predicted slope is ‖d‖² / alpha: the field is taken to be -d / alpha."""

EXPECTED = {"test_predicted_slope": 0}


# %% grade_id: predicted_slope
def predicted_slope(d, gamma, alpha):
    return d.pow(2).sum((1, 2, 3)) / alpha
