"""The gradient is added up over the colours, signs and all, before it is looked at."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"(gradient * (moved - images)).sum(1)": "gradient.sum(1).abs()"}}
