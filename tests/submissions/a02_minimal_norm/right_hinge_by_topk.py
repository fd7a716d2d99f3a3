"""The best other logit from the two largest; the hinge as minus a minimum."""

EXPECTED = {}


# %% grade_id: hinge
def hinge(logits, labels, confidence=0.0, targeted=False):
    values, classes = logits.topk(2, dim=1)
    rest = torch.where(classes[:, 0] == labels, values[:, 1], values[:, 0])
    lead = logits[torch.arange(len(logits)), labels] - rest
    if targeted:
        lead = -lead
    return -torch.minimum(-lead, torch.full_like(lead, confidence))
