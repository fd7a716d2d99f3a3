"""Divided by the number of images too."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {".clamp(max=margin).sum()": ".clamp(max=margin).mean()"},
}
