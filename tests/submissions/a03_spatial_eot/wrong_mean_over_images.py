"""cross_entropy's default averages over the images too."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {"eot_gradient": {', reduction="sum")': ")", "total / n": "total"}}
