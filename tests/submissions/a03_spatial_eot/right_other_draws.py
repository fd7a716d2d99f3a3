"""Other draws from the same distribution, and int32 indices."""

EXPECTED = {}


# %% grade_id: draw_transforms
def draw_transforms(n, count, max_shift, max_slant, generator):
    result = torch.empty(n, count, 3)
    for j in range(0, n, 2):
        result[j] = torch.empty(count, 3).uniform_(-1, 1, generator=generator)
        result[j, :, :2] *= max_shift
        result[j, :, 2] *= max_slant
        result[j + 1] = -result[j]
    return result
