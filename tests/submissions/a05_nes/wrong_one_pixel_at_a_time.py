"""Random pixels, each moved alone: at right angles, but no random directions."""

EXPECTED = {"test_orthogonal_points": 0}
REPLACE = {
    "orthogonal_gradient": {
        "torch.linalg.qr(drawn)[0]": (
            "torch.nn.functional.one_hot(torch.rand(len(images), pixels, "
            "generator=generator).argsort(1)[:, :pairs], "
            "pixels).to(images.dtype).transpose(1, 2)"
        ),
    },
}
