"""The projection keeps to the ball but not to [0, 1]; the bounded attack that uses it is graded by itself."""

EXPECTED = {"test_project": 0}


# %% grade_id: project
def project(adversarial, images, eps):
    return torch.clamp(adversarial, images - eps, images + eps)
