"""A row refutes a claim though it falls short by less than two errors."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {"share + 2 *": "share + 0 *"}}
