"""The best of either kind by sorting the logits; the hinge as minus a minimum."""

EXPECTED = {}


# %% grade_id: hinge
def hinge(logits, wanted, confidence=0.0):
    values, classes = logits.topk(logits.shape[1], dim=1)
    kind = wanted.gather(1, classes)
    first, other = kind.int().argmax(1), (~kind).int().argmax(1)
    lead = values.gather(1, first[:, None]) - values.gather(1, other[:, None])
    return -torch.minimum(lead, torch.full_like(lead, confidence))[:, 0]
