"""FGSM follows the gradient scaled to reach eps in its largest pixel, not its sign."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"gradient.sign()": "gradient / gradient.abs().amax((1, 2, 3), keepdim=True)"}}
