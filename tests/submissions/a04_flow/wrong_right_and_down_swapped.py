"""Channel 0 of the field is taken for the rows."""

EXPECTED = {"test_warp": 0}
REPLACE = {"warp": {"field[:, 0]": "field[:, 1]", "field[:, 1]": "field[:, 0]"}}
