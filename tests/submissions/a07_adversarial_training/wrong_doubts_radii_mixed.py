"""Rows of different ε are compared."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {'mine.groupby("eps")': 'mine.groupby(mine["n"] > 0)'}}
