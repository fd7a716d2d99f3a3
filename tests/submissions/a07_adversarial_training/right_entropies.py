"""JS as the entropy of the mixture less the mean of the entropies; both slopes in one batch of twice the size."""

EXPECTED = {}


# %% grade_id: consistency
def consistency(clean, attacked, labels, gamma):
    def entropy(log_p):
        return -(log_p.exp() * log_p).sum(1)

    p, q = clean.log_softmax(1), attacked.log_softmax(1)
    middle = torch.logaddexp(p, q) - math.log(2)
    js = entropy(middle) - (entropy(p) + entropy(q)) / 2
    rest = clean.scatter(1, labels[:, None], -math.inf).logsumexp(1)
    return js * (gamma * (rest - clean.logsumexp(1))).detach().exp()


# %% grade_id: turn
def turn(model, images, labels, noise, h, loss):
    n, wide = len(images), h.reshape(-1, 1, 1, 1)
    u = noise / noise.square().sum((1, 2, 3), keepdim=True).sqrt()
    both = torch.cat([images, images + wide * u]).requires_grad_()
    values = loss(model(both), labels.repeat(2))
    g = torch.autograd.grad(values, both, torch.ones_like(values), create_graph=True)[0]
    return (((g[n:] - g[:n]) / wide) ** 2).sum((1, 2, 3)) * (images.numel() / n)
