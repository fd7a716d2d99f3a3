"""The sign of the FGSM step is flipped: the loss falls."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"x.detach() + eps": "x.detach() - eps"}}
