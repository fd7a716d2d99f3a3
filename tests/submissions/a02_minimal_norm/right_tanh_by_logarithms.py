"""The change of variable by logarithms and exponentials; the hinge by sorting; the objective by einsum."""

EXPECTED = {}


# %% grade_id: tanh
TAU = 0.999


def to_tanh(images, low, high):
    t = TAU * (2 * images.detach() - low - high) / (high - low)
    return (torch.log1p(t) - torch.log1p(-t)) / 2


def from_tanh(w, low, high):
    return (high + low * torch.exp(-2 * w)) / (1 + torch.exp(-2 * w))


# %% grade_id: hinge
def hinge(logits, wanted, confidence=0.0):
    lowest = logits.detach().amin() - 1
    best, other = (torch.where(mask, logits, lowest).sort(dim=1).values[:, -1] for mask in (wanted, ~wanted))
    return torch.clamp_min(other - best, -confidence)


# %% grade_id: objective
def objective(model, w, images, cost, wanted, low, high, const, confidence=0.0):
    x = from_tanh(w, low, high)
    moved = x - images
    paid = torch.einsum("nchw,nchw,nchw->n", moved, moved, cost.expand_as(moved))
    return paid + hinge(model(x), wanted, confidence) * const
