"""The floor of the hinge is 0, whatever the confidence."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}


# %% grade_id: hinge
def hinge(logits, labels, confidence=0.0, targeted=False):
    one_hot = torch.nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    own = (one_hot * logits).sum(1)
    other = (logits - 1e9 * one_hot).amax(1)
    return torch.relu(other - own if targeted else own - other)
