"""The targeted attack climbs the loss of its target instead of descending it."""

EXPECTED = {"test_targeted_ifgsm": 0}
REPLACE = {"targeted_ifgsm": {"adversarial - step_size": "adversarial + step_size"}}
