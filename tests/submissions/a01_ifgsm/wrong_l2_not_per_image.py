"""The norms run over the whole batch: one number instead of one per image."""

EXPECTED = {"test_normalized_l2": 0}


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    return (adversarial - images).norm() / images.norm()
