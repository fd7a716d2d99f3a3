"""By affine_grid: in its units the matrix has the aspect of the image in it."""

EXPECTED = {}


# %% grade_id: slant_translate
def slant_translate(images, transforms):
    height, width = images.shape[2:]
    dx, dy, k = transforms.to(images).unbind(1)
    theta = torch.zeros(len(images), 2, 3, dtype=images.dtype)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 1] = k * height / width
    theta[:, 0, 2] = -2 * (dx + k * dy) / width
    theta[:, 1, 2] = -2 * dy / height
    return F.grid_sample(images, F.affine_grid(theta, list(images.shape), align_corners=False), align_corners=False)
