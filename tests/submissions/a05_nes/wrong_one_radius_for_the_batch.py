"""All images have to keep their targets at one radius."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "clamp(-reach, reach), rows)\n        high": (
            "clamp(-reach, reach), rows).all().expand(len(rows))\n        high"
        ),
    },
}
