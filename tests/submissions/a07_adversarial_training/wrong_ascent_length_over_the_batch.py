"""One length for the gradients of all images."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)": "g.norm()"}}
