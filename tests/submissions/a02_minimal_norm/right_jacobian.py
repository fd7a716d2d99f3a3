"""The gradients of all logits by vmap, one row of the Jacobian per class."""

EXPECTED = {}


# %% grade_id: deepfool_step
def deepfool_step(model, images, cost):
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        z = model(x)
        k = z.shape[1]
        rows = torch.eye(k, dtype=z.dtype)[:, None, :].expand(k, len(z), k)
        jacobian = torch.autograd.grad(z, x, rows, is_grads_batched=True)[0].flatten(2).transpose(0, 1)
    z = z.detach()
    best = z.argmax(1, keepdim=True)
    f = z - z.gather(1, best)
    w = jacobian - jacobian.gather(1, best[..., None].expand(-1, 1, jacobian.shape[2]))
    a = (cost + torch.zeros_like(images)).flatten(1)
    d = torch.nan_to_num(f.abs() / torch.linalg.vector_norm(w * a.rsqrt()[:, None], dim=2), nan=torch.inf)
    d[torch.arange(len(z)), best[:, 0]] = torch.inf
    chosen = d.argmin(1)
    pick = torch.arange(len(z))
    w = w[pick, chosen]
    r = -(f[pick, chosen] / torch.einsum("np,np,np->n", w, w, 1 / a))[:, None] * w / a
    return r.reshape(images.shape)
