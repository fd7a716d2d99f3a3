"""Images are stretched by the roots of the costs, where the norm is Euclidean; the way back divides."""

EXPECTED = {}


# %% grade_id: boundary_distances
def boundary_distances(weight, bias, images, cost):
    root = cost.sqrt().expand(images.shape).reshape(len(images), 1, -1)
    rows, z = weight / root, images.flatten(1) @ weight.T + bias
    lead, top = z.max(1, keepdim=True)
    own = rows.gather(1, top[..., None].expand(-1, 1, rows.shape[2]))
    return ((lead - z) / torch.cdist(rows, own)[..., 0]).scatter(1, top, torch.inf)


# %% grade_id: deepfool_step
def deepfool_step(model, images, cost):
    root = cost.sqrt()
    stretched = (images * root).detach().requires_grad_()
    z = model(stretched / root)
    lead, top = z.max(1, keepdim=True)
    slopes = torch.stack([torch.autograd.grad(each.sum(), stretched, retain_graph=True)[0] for each in (z - lead).T], 1)
    gaps, normals = (lead - z).detach(), slopes.flatten(2)
    away = (gaps / normals.norm(dim=2)).scatter(1, top, torch.inf)
    least, nearest = away.min(1)
    normal = normals[torch.arange(len(z)), nearest]
    unit = normal / normal.norm(dim=1, keepdim=True)
    return (least[:, None] * unit).view_as(images) / root


# %% grade_id: objective
def objective(model, w, images, cost, wanted, low, high, const, confidence=0.0):
    x = from_tanh(w, low, high)
    stretched = cost.sqrt() * (x - images)
    return stretched.flatten(1).norm(dim=1) ** 2 + const * hinge(model(x), wanted, confidence)
