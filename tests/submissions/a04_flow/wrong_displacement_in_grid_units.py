"""The field is subtracted from grid_sample's places as if it were in their units."""

EXPECTED = {"test_warp": 0}


# %% grade_id: warp
def warp(images, field, t):
    eye = torch.eye(2, 3, dtype=images.dtype).expand(len(images), 2, 3)
    grid = F.affine_grid(eye, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid - t * field.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
