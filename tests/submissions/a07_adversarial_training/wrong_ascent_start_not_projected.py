"""The start may lie outside of the ball."""

EXPECTED = {"test_ascend": 0}
REPLACE = {
    "ascend": {
        "x = nearest(images if start is None else start, images, eps).detach()": (
            "x = (images if start is None else start).clone()"
        )
    }
}
