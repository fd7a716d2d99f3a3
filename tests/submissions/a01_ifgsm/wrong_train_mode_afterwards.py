"""After the attack the model is put to train mode, in which it may not have come."""

EXPECTED = {"test_ifgsm_traces": 0}
REPLACE = {"ifgsm": {"    return adversarial": "    model.train()\n    return adversarial"}}
