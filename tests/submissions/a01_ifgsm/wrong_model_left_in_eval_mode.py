"""FGSM switches the caller's model to eval mode."""

EXPECTED = {"test_fgsm_traces": 0}
REPLACE = {"fgsm": {"    x = images": "    model.eval()\n    x = images"}}
