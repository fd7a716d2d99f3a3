"""Sums written as einsum."""

EXPECTED = {}


# %% grade_id: nearest
def nearest(points, images, eps):
    delta = points - images
    lengths = torch.einsum("nchw,nchw->n", delta, delta).sqrt()
    outside = lengths > eps
    factor = torch.ones_like(lengths)
    factor[outside] = eps[outside] / lengths[outside]
    return torch.clamp(images + torch.einsum("nchw,n->nchw", delta, factor), 0, 1)


# %% grade_id: ascend
def ascend(model, images, labels, eps, share, steps, start=None):
    x = nearest(start if start is not None else images, images, eps)
    for _ in range(steps):
        x = x.detach().requires_grad_(True)
        log_p = F.log_softmax(model(x), dim=1)
        loss = -torch.einsum("nk,nk->", log_p, F.one_hot(labels, log_p.shape[1]).to(log_p.dtype))
        g = torch.autograd.grad(loss, [x])[0]
        lengths = torch.einsum("nchw,nchw->n", g, g).sqrt()
        rate = torch.where(lengths == 0, torch.zeros_like(lengths), share * eps / lengths)
        x = nearest(x.detach() + torch.einsum("nchw,n->nchw", g, rate), images, eps)
    return x


# %% grade_id: consistency
def consistency(clean, attacked, labels, gamma):
    log_p, log_q = F.log_softmax(clean, 1), F.log_softmax(attacked, 1)
    log_m = torch.stack([log_p, log_q]).logsumexp(0) - math.log(2.0)
    kl = torch.einsum("nk,nk->n", log_p.exp(), log_p - log_m), torch.einsum("nk,nk->n", log_q.exp(), log_q - log_m)
    with torch.no_grad():
        keep = ~F.one_hot(labels, clean.shape[1]).bool()
        others = log_p[keep].view(len(clean), -1).logsumexp(1)
        weight = torch.exp(gamma * others)
    return 0.5 * weight * (kl[0] + kl[1])


# %% grade_id: limit
def limit(weight, bias, images):
    p = F.softmax(F.linear(images.flatten(1), weight, bias), 1)
    mean = p @ weight
    away = weight[None] - mean[:, None]
    hessian = torch.einsum("nk,nki,nkj->nij", p, away, away)  # the covariance of the rows of W
    return torch.einsum("nij,nij->n", hessian, hessian)
