"""A graph to the weights leads through the perturbed images."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"labels[chosen]).detach()": "labels[chosen])"}}
