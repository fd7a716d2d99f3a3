"""A place that has left the image is put back to its edge."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {
        ("places = places - t / steps * read(field).permute(0, 2, 3, 1)"): (
            "places = (places - t / steps * read(field).permute(0, 2, 3, 1)).clamp(min=0).minimum(side - 1)"
        )
    },
}
