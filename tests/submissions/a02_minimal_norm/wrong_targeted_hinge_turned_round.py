"""The targeted hinge is minus the untargeted one: the floor becomes a ceiling."""

EXPECTED = {"test_hinge_targeted": 0}


# %% grade_id: hinge
def hinge(logits, labels, confidence=0.0, targeted=False):
    one_hot = torch.nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    own = (one_hot * logits).sum(1)
    other = (logits - 1e9 * one_hot).amax(1)
    return (-1 if targeted else 1) * torch.clamp(own - other, min=-confidence)
