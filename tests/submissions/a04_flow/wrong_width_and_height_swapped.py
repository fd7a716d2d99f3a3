"""Width and height are exchanged in the units of the grid."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"torch.tensor([width, height])": "torch.tensor([height, width])"},
}
