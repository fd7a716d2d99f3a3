"""Images on which the attack failed are counted with the length that they moved."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {"rho_adv": {"torch.where(changed, ": "torch.where(changed | True, "}}
