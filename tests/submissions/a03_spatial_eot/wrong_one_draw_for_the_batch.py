"""All images of a draw get the same transform."""

EXPECTED = {"test_draw_transforms": 0}


# %% grade_id: draw_transforms
def draw_transforms(n, count, max_shift, max_angle, generator):
    draws = 2 * torch.rand(n, 1, 3, generator=generator) - 1
    return (draws * torch.tensor([max_shift, max_shift, max_angle])).expand(n, count, 3)
