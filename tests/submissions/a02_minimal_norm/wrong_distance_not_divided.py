"""The difference of logits is taken for a distance: the norm of the normal is missing."""

EXPECTED = {"test_boundary_distances": 0}


# %% grade_id: boundary_distances
def boundary_distances(weight, bias, images):
    logits = images.flatten(1) @ weight.T + bias
    top = logits.argmax(1)
    gaps = logits - logits.gather(1, top[:, None])
    normals = weight[None] - weight[top][:, None]
    return gaps.abs().scatter(1, top[:, None], torch.inf)
