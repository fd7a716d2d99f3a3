"""norm(dim=1) of four axes: the length over the channels of each pixel."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        "delta.flatten(1).norm(dim=1)": "delta.norm(dim=1, keepdim=True)",
        "lengths > eps, eps /": "lengths > eps.view(-1, 1, 1, 1), eps.view(-1, 1, 1, 1) /",
        "shrink.view(-1, 1, 1, 1)": "shrink",
    }
}
