"""The variances of the pixels are averaged."""

EXPECTED = {"test_spread": 0}
REPLACE = {
    "spread": {
        ".flatten(1).sum(1)\n    length": ".flatten(1).mean(1)\n    length",
    },
}
