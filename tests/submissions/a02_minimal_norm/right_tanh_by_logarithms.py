"""The change of variable by logarithms and exponentials; the hinge by sorting; the objective by einsum."""

EXPECTED = {}


# %% grade_id: tanh
TAU = 0.999


def to_tanh(images):
    t = TAU * (2 * images.detach() - 1)
    return (torch.log1p(t) - torch.log1p(-t)) / 2


def from_tanh(w):
    return 1 / (1 + torch.exp(-2 * w))


# %% grade_id: hinge
def hinge(logits, labels, confidence=0.0, targeted=False):
    rows = torch.arange(len(logits))
    order = logits.argsort(dim=1, descending=True)
    best = torch.where(order[:, 0] == labels, order[:, 1], order[:, 0])
    lead = logits[rows, labels] - logits[rows, best]
    return torch.clamp_min(-lead if targeted else lead, -confidence)


# %% grade_id: objective
def objective(model, w, images, labels, const, confidence=0.0, targeted=False):
    x = from_tanh(w)
    moved = x - images
    return torch.einsum("nchw,nchw->n", moved, moved) + hinge(model(x), labels, confidence, targeted) * const
