"""All images follow the field of the first."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"read(field).permute(0, 2, 3, 1)": "read(field).permute(0, 2, 3, 1)[:1]"},
}
