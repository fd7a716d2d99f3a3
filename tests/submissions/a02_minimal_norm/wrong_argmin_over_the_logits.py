"""Goes to the class of the second largest logit, in both exercises, whatever its distance."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images):
    logits = images.flatten(1) @ weight.T + bias
    top = logits.argmax(1)
    distances = boundary_distances(weight, bias, images)
    nearest = logits.topk(2).indices[:, 1]
    each = torch.arange(len(images))
    gap = logits[each, nearest] - logits[each, top]
    normal = weight[nearest] - weight[top]
    return (gap.abs()[:, None] * normal / normal.square().sum(1, keepdim=True)).view_as(images)


# %% grade_id: deepfool_step
def deepfool_step(model, images):
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    gradients = []
    for k in range(logits.shape[1]):
        gradients.append(torch.autograd.grad(logits[:, k].sum(), x, retain_graph=True)[0].flatten(1))
    gradients = torch.stack(gradients, 1)
    logits = logits.detach()
    each, top = torch.arange(len(images)), logits.argmax(1)
    gaps = (logits - logits[each, top][:, None]).abs()
    normals = gradients - gradients[each, top][:, None]
    nearest = gaps.scatter(1, top[:, None], torch.inf).argmin(1)
    normal, gap = normals[each, nearest], gaps[each, nearest]
    return (gap[:, None] * normal / normal.square().sum(1, keepdim=True)).view_as(images)
