"""An image survives if it does under some draw."""

EXPECTED = {"test_survival": 0}
REPLACE = {
    "survival": {"return rates.mean()": ("rates = (rates > 0).double()\n    return rates.mean()")},
}
