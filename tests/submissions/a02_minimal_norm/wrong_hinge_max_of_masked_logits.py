"""The best other logit is the maximum of (1 - one_hot) * z: where all logits are negative that is the 0."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}


# %% grade_id: hinge
def hinge(logits, labels, confidence=0.0, targeted=False):
    one_hot = torch.nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    own = (one_hot * logits).sum(1)
    other = ((1 - one_hot) * logits).amax(1)
    return torch.clamp(other - own if targeted else own - other, min=-confidence)
