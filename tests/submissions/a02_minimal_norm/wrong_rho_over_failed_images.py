"""Images on which the attack failed are counted too."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {"rho_adv": {"ratios[changed]": "ratios"}}
