"""One standard error."""

EXPECTED = {"test_survival": 0}
REPLACE = {
    "survival": {"2 * rates.std()": "rates.std()"},
}
