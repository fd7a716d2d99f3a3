"""The field's channels are read as down, right."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"read(field).permute": "read(field.flip(1)).permute"},
}
