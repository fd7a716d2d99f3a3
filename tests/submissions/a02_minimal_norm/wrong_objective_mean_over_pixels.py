"""The mean squared error in the place of the squared distance."""

EXPECTED = {"test_objective": 0}


# %% grade_id: objective
def objective(model, w, images, labels, const, confidence=0.0, targeted=False):
    x = from_tanh(w)
    return (x - images).square().mean((1, 2, 3)) + const * hinge(model(x), labels, confidence, targeted)
