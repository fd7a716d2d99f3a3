"""The central difference is not divided by 2; the border is right."""

EXPECTED = {"test_image_derivatives": 0}


# %% grade_id: image_derivatives
def image_derivatives(images):
    x, y = torch.zeros_like(images), torch.zeros_like(images)
    x[..., 1:-1] = images[..., 2:] - images[..., :-2]
    x[..., 0], x[..., -1] = images[..., 1] - images[..., 0], images[..., -1] - images[..., -2]
    y[..., 1:-1, :] = images[..., 2:, :] - images[..., :-2, :]
    y[..., 0, :] = images[..., 1, :] - images[..., 0, :]
    y[..., -1, :] = images[..., -1, :] - images[..., -2, :]
    return x, y
