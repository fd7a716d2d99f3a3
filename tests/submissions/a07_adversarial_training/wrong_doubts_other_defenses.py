"""Rows of all defenses are read."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {'rows[rows["defense"] == defense].assign': "rows.assign"}}
