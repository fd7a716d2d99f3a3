"""The places of the pixels by one convention, the displacement by the other."""

EXPECTED = {"test_warp": 0}


# %% grade_id: warp
def warp(images, field, t):
    n, _, height, width = images.shape
    eye = torch.eye(2, 3, dtype=images.dtype).expand(n, 2, 3)
    grid = F.affine_grid(eye, list(images.shape), align_corners=False)
    unit = torch.tensor([2 / (width - 1), 2 / (height - 1)], dtype=images.dtype)
    return F.grid_sample(
        images, grid - t * unit * field.permute(0, 2, 3, 1), padding_mode="border", align_corners=False
    )
