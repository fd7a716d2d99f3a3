"""The objective has the distance instead of its square."""

EXPECTED = {"test_objective": 0}


# %% grade_id: objective
def objective(model, w, images, labels, const, confidence=0.0, targeted=False):
    x = from_tanh(w)
    return (x - images).flatten(1).norm(dim=1) + const * hinge(model(x), labels, confidence, targeted)
