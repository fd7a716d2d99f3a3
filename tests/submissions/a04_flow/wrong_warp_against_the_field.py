"""Read at p + t v: the picture moves against the field."""

EXPECTED = {"test_warp": 0}
REPLACE = {"warp": {"- t * field[:, 0]": "+ t * field[:, 0]", "- t * field[:, 1]": "+ t * field[:, 1]"}}
