"""One mask for all images."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "torch.rand(len(images), 1,": "torch.rand(1, 1,",
        "mask = (drawn >= drop)": "mask = (drawn.expand(len(images), -1, -1, -1) >= drop)",
    },
}
