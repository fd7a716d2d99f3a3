"""The step divides by the norm of the normal once, in both exercises."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images):
    logits = images.flatten(1) @ weight.T + bias
    top = logits.argmax(1)
    distances = boundary_distances(weight, bias, images)
    nearest = distances.argmin(1)
    each = torch.arange(len(images))
    gap = logits[each, nearest] - logits[each, top]
    normal = weight[nearest] - weight[top]
    return (gap.abs()[:, None] * normal / normal.norm(dim=1, keepdim=True)).view_as(images)


# %% grade_id: deepfool_step
def deepfool_step(model, images):
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    top = logits.argmax(1)
    best, least = torch.zeros_like(images), torch.full((len(images),), torch.inf, dtype=images.dtype)
    for k in range(logits.shape[1]):
        f = logits[:, k] - logits.gather(1, top[:, None])[:, 0]
        (w,) = torch.autograd.grad(f.sum(), x, retain_graph=True)
        norm = w.flatten(1).norm(dim=1)
        distance = (f.abs() / norm).detach()
        closer = (distance < least) & (top != k)
        least = torch.where(closer, distance, least)
        best = torch.where(closer.view(-1, 1, 1, 1), distance.view(-1, 1, 1, 1) * w, best)
    return best
