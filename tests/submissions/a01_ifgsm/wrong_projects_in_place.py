"""The projection overwrites what it is given."""

EXPECTED = {"test_project": 0}


# %% grade_id: project
def project(adversarial, images, eps):
    adversarial.copy_(torch.minimum(torch.maximum(adversarial, images - eps), images + eps).clamp(0, 1))
    return adversarial
