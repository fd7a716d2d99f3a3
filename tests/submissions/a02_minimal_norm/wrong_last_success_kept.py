"""Keeps the last image that succeeded, not the closest."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {"carlini_wagner": {" & (distance < least)": ""}}
