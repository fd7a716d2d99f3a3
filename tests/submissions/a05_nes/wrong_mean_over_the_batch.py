"""Every image gets the mean estimate of the batch."""

EXPECTED = {"test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        ".mean(1).to(images.dtype)": ".mean((0, 1)).to(images.dtype).expand_as(images).clone()",
    },
}
