"""The signed difference of logits in the place of its absolute value: away from the boundary."""

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
    return (gap[:, None] * normal / normal.square().sum(1, keepdim=True)).view_as(images)
