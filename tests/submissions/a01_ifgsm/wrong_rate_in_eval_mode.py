"""The success rate is measured with the model in eval mode, in which it was not attacked."""

EXPECTED = {"test_success_rate": 0}
REPLACE = {"success_rate": {"    with torch.no_grad():": "    model.eval()\n    with torch.no_grad():"}}
