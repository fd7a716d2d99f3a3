"""The hinge is written with probabilities."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}


# %% grade_id: hinge
def hinge(logits, labels, confidence=0.0, targeted=False):
    logits = logits.softmax(1)
    one_hot = torch.nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    own = (one_hot * logits).sum(1)
    other = (logits - 1e9 * one_hot).amax(1)
    return torch.clamp(other - own if targeted else own - other, min=-confidence)
