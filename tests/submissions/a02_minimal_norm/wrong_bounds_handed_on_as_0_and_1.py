"""The attack works between 0 and 1, whatever the bounds."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {
    "carlini_wagner": {
        "    images = images.detach()": "    low, high = 0 * low, 0 * high + 1\n    images = images.detach()"
    }
}
