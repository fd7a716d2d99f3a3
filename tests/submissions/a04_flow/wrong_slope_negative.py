"""dᵀ v, without the minus sign of exercise 1 (a)."""

EXPECTED = {"test_predicted_slope": 0}


# %% grade_id: predicted_slope
def predicted_slope(d, gamma, alpha):
    return (d * fast_field(d, gamma, alpha)).sum((1, 2, 3))
