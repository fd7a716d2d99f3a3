"""dᵀ v, without the minus sign of exercise 1 (a)."""

EXPECTED = {"test_predicted_slope": 0}
REPLACE = {"predicted_slope": {"return -(d": "return (d"}}
