"""Every channel has a length of its own."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        "delta.flatten(1).norm(dim=1)": "delta.flatten(2).norm(dim=2)",
        "lengths > eps, eps /": "lengths > eps[:, None], eps[:, None] /",
        "shrink.view(-1, 1, 1, 1)": "shrink[..., None, None]",
    }
}
