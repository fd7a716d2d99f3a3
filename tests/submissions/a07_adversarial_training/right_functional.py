"""Gradients by torch.func, a Hessian by automatic differentiation, weights by one-hot sums."""

EXPECTED = {}


# %% grade_id: ascend
def ascend(model, images, labels, eps, share, steps, start=None):
    def own(x, y):
        return F.cross_entropy(model(x[None]), y[None])

    slopes = torch.func.vmap(torch.func.grad(own))
    x = nearest(images if start is None else start, images, eps)
    for _ in range(steps):
        g = slopes(x, labels).detach()
        unit = F.normalize(g.flatten(1), dim=1, eps=1e-300 if g.dtype == torch.float64 else 1e-30).view_as(g)
        x = nearest(x + torch.einsum("n,nchw->nchw", share * eps, unit), images, eps)
    return x


# %% grade_id: turn
def turn(model, images, labels, noise, h, loss):
    def own(x, y):
        return loss(model(x[None]), y[None]).sum()

    slopes = torch.func.vmap(torch.func.grad(own))
    z = torch.einsum("n,nchw->nchw", h / torch.linalg.vector_norm(noise, dim=(1, 2, 3)), noise)
    turned = (slopes(images + z, labels) - slopes(images, labels)) / h.view(-1, 1, 1, 1)
    return torch.einsum("nchw,nchw->n", turned, turned) * images.shape[1:].numel()


# %% grade_id: limit
def limit(weight, bias, images):
    def loss(x):
        return torch.logsumexp(weight @ x + bias, 0)  # what the label adds is linear in x

    hessians = torch.func.vmap(torch.func.hessian(loss))(images.flatten(1))
    return torch.linalg.matrix_norm(hessians).square().detach()


# %% grade_id: mixed_loss
def mixed_loss(model, images, labels, chosen, beta, attack):
    where = chosen.nonzero()[:, 0]
    rows, x = torch.cat([torch.arange(len(images)), where]), images
    if len(where):
        x = torch.cat([images, attack(images[where], labels[where]).detach()])
    share = F.one_hot(rows, len(images)).to(images.dtype) / len(images)
    first = torch.arange(len(rows)) < len(images)
    weights = torch.where(first, 1 - beta[rows] * chosen[rows], beta[rows])
    return torch.einsum("rn,r,r->", share, weights, F.cross_entropy(model(x), labels[rows], reduction="none"))
