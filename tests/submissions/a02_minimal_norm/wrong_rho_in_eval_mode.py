"""The predictions are made in eval mode, whatever mode the model came in."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {"rho_adv": {"    with torch.no_grad():": "    model.eval()\n    with torch.no_grad():"}}
