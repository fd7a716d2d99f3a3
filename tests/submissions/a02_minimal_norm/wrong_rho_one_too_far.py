"""The ratio after the one that is asked for."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {"rho_adv": {">= share": "> share"}}
