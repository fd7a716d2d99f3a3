"""The norm of the perturbation is not divided by that of the image."""

EXPECTED = {"test_normalized_l2": 0}


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    return (adversarial - images).flatten(1).norm(dim=1)
