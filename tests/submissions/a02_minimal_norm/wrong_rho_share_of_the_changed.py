"""The share is taken of the images that have changed."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {"rho_adv": {">= share * len(images)": ">= share * int(changed.sum())"}}
