"""The ball is drawn around the iterate before the step, so the attack walks away from the image."""

EXPECTED = {"test_bounded_ifgsm": 0}
REPLACE = {"bounded_ifgsm": {"gradient.sign(), images, eps)": "gradient.sign(), adversarial, eps)"}}
