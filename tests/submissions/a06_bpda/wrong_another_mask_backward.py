"""Forward and backward pass draw each their own mask."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "painted = filled(x, mask)": (
            "other = torch.rand(len(images), 1, *images.shape[2:], generator=generator, "
            "dtype=images.dtype)\n"
            "        painted = filled(x, (other >= drop).to(images.dtype))"
        ),
    },
}
