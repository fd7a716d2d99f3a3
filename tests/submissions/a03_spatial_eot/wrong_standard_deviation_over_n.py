"""N in the denominator of the variance."""

EXPECTED = {"test_survival": 0}
REPLACE = {
    "survival": {"rates.std()": "rates.std(correction=0)"},
}
