"""pixel_to_grid divides the first number by the height. rotate_translate uses it, and pays only once."""

EXPECTED = {"test_pixel_to_grid": 0}


# %% grade_id: pixel_to_grid
def pixel_to_grid(points, height, width, align_corners):
    size = torch.tensor([height, width], dtype=points.dtype)
    return 2 * points / (size - 1) - 1 if align_corners else (2 * points + 1) / size - 1
