"""The box is looked at once, at the end."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        (
            "        x = nearest(x.detach() + (share * eps).view(-1, 1, 1, 1) * unit, "
            "images, eps).detach()\n    return x"
        ): (
            "        delta = (x.detach() + (share * eps).view(-1, 1, 1, 1) * unit - "
            "images).flatten(1)\n        size = delta.norm(dim=1, keepdim=True)\n        delta "
            "= torch.where(size > eps[:, None], delta * eps[:, None] / size, delta)\n        "
            "x = images + delta.view_as(images)\n    return x.clamp(0, 1)"
        )
    }
}
