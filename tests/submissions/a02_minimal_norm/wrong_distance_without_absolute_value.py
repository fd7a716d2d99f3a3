"""The absolute value is missing, so the distances are negative."""

EXPECTED = {"test_boundary_distances": 0}


# %% grade_id: boundary_distances
def boundary_distances(weight, bias, images):
    logits = images.flatten(1) @ weight.T + bias
    top = logits.argmax(1)
    gaps = logits - logits.gather(1, top[:, None])
    normals = weight[None] - weight[top][:, None]
    return (gaps / normals.norm(dim=2)).scatter(1, top[:, None], torch.inf)
