"""Every step takes the field at the pixel itself: that is one straight step."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"t / steps * read(field).permute": "t / steps * field.permute"},
}
