"""Only the m-th strongest wrong class counts."""

EXPECTED = {"test_boosted": 0}
REPLACE = {"boosted": {"topk(m, dim=1).indices": "topk(m, dim=1).indices[:, -1:]"}}
