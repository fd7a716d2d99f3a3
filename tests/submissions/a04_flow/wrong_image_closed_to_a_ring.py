"""torch.roll takes the neighbour of a border pixel from the other end."""

EXPECTED = {"test_image_derivatives": 0}


# %% grade_id: image_derivatives
def image_derivatives(images):
    return tuple((images.roll(-1, dim) - images.roll(1, dim)) / 2 for dim in (3, 2))
