"""Channels are dropped one by one."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "torch.rand(len(images), 1, *images.shape[2:],": "torch.rand(*images.shape,",
    },
}
