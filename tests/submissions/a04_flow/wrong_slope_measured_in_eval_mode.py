"""The model is put in eval mode, and stays there."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"    with torch.no_grad()": "    model.eval()\n    with torch.no_grad()"},
}
