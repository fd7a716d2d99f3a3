"""The first draw is used n times."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {"eot_gradient": {"transforms.flatten(0, 1)": "transforms[0].repeat(n, 1)"}}
