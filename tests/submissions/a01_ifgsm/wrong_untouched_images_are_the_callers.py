"""No copy is made at the beginning: where there is nothing to do, the caller's own images come back."""

EXPECTED = {"test_targeted_ifgsm": 0, "test_bounded_ifgsm": 0}
REPLACE = {
    "targeted_ifgsm": {"adversarial = images.detach().clone()": "adversarial = images.detach()"},
    "bounded_ifgsm": {"adversarial = images.detach().clone()": "adversarial = images.detach()"},
}
