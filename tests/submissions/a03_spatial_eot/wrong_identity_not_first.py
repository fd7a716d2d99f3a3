"""The combinations stay in the order of the loops, so the identity is in the middle."""

EXPECTED = {"test_transform_grid": 0}


# %% grade_id: transform_grid
def transform_grid(max_shift, max_angle, shifts, angles):
    shift, angle = torch.linspace(-max_shift, max_shift, shifts), torch.linspace(-max_angle, max_angle, angles)
    return torch.cartesian_prod(shift, shift, angle)
