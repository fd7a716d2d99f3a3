"""Moves every pixel by the same amount: the smallest perturbation in the maximum norm."""

EXPECTED = {"test_nearest_boundary": 0}


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images):
    logits = images.flatten(1) @ weight.T + bias
    top = logits.argmax(1)
    distances = boundary_distances(weight, bias, images)
    nearest = distances.argmin(1)
    each = torch.arange(len(images))
    gap = logits[each, nearest] - logits[each, top]
    normal = weight[nearest] - weight[top]
    return ((gap.abs() / normal.abs().sum(1))[:, None] * normal.sign()).view_as(images)
