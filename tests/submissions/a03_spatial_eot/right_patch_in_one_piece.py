"""All pixels that are seen are written at once, by their indices."""

EXPECTED = {}


# %% grade_id: patch_step
def patch_step(model, images, patch, mask, corners, targets, step_size):
    rows, columns = mask.nonzero(as_tuple=True)
    seen = patch.detach()[:, rows, columns].clone().requires_grad_()
    image = torch.arange(len(images))[:, None]
    pasted = images.detach().clone().movedim(1, -1)
    pasted = pasted.index_put(
        (image, corners[:, :1] + rows, corners[:, 1:] + columns), seen.T.expand(len(images), -1, -1)
    )
    loss = torch.nn.CrossEntropyLoss()(model(pasted.movedim(-1, 1)), targets)
    g = torch.autograd.grad(loss, seen)[0]
    rho = torch.linalg.vector_norm(g) / g.numel() ** 0.5
    new = patch.detach().clone()
    if rho > 0:
        new[:, rows, columns] = (new[:, rows, columns] - step_size * (g / rho)).clamp(0, 1)
    return new


# %% grade_id: faulty
def faulty():
    return "kjhca"
