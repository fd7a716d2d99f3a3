"""The best other logit is the maximum of (1 - one_hot) * z: where all logits are negative that is the 0."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}
REPLACE = {"hinge": {"-torch.inf": "0"}}
