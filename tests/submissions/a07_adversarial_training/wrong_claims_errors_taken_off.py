"""The errors are taken off."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {"share + 2 *": "share - 2 *"}}
