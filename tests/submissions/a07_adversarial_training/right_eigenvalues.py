"""The limit by the eigenvalues of the Hessian; the divergence by three logsumexps; claims sorted."""

EXPECTED = {}


# %% grade_id: limit
def limit(weight, bias, images):
    p = (images.flatten(1) @ weight.T + bias).softmax(1)
    inner = torch.diag_embed(p) - torch.einsum("ni,nj->nij", p, p)
    return torch.linalg.eigvalsh(weight.T @ inner @ weight).square().sum(1)


# %% grade_id: boosted
def boosted(logits, labels, m):
    log_p = logits.log_softmax(1)
    order = log_p.detach().scatter(1, labels[:, None], -math.inf).argsort(dim=1, descending=True)
    rest = log_p.gather(1, order[:, m:-1])  # the label is the last
    own = log_p.gather(1, labels[:, None])
    return -own[:, 0] - torch.cat([rest, own], 1).logsumexp(1)


# %% grade_id: refuted_by
def refuted_by(claims, rows):
    share = rows["right"] / rows["n"]
    ranked = rows.assign(upper=share + 2 * (share * (1 - share) / rows["n"]) ** 0.5).sort_values("upper")
    found = []
    for defense, eps, accuracy in claims[["defense", "eps", "accuracy"]].itertuples(index=False):
        some = ranked[(ranked.defense == defense) & (ranked.eps <= eps)]
        found.append(some.index[0] if len(some) and some["upper"].iloc[0] < accuracy else None)
    return found
