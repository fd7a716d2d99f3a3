"""The way back uses the transforms instead of their transposes."""

EXPECTED = {"test_fast_field": 0}
REPLACE = {"fast_field": {"return rows.T @": "return rows @", "/ factor) @ columns": "/ factor) @ columns.T"}}
