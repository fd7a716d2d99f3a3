"""It is projected once, at the end."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        (
            "        x = nearest(x.detach() + (share * eps).view(-1, 1, 1, 1) * unit, "
            "images, eps).detach()\n    return x"
        ): ("        x = x.detach() + (share * eps).view(-1, 1, 1, 1) * unit\n    return nearest(x, images, eps)")
    }
}
