"""Classes are sorted; divergences by kl_div; the weight by logsigmoid of the log-odds."""

EXPECTED = {}


# %% grade_id: boosted
def boosted(logits, labels, m):
    own = logits.gather(1, labels[:, None])
    wrong = logits.masked_fill(F.one_hot(labels, logits.shape[1]).bool(), -math.inf)
    ranked = wrong.sort(dim=1, descending=True).values[:, m:]
    log_rest = torch.cat([own, ranked], 1).logsumexp(1) - logits.logsumexp(1)
    return F.cross_entropy(logits, labels, reduction="none") - log_rest


# %% grade_id: consistency
def consistency(clean, attacked, labels, gamma):
    a, b = clean.log_softmax(-1), attacked.log_softmax(-1)
    middle = torch.logaddexp(a - math.log(2), b - math.log(2))
    distance = F.kl_div(middle, a, reduction="none", log_target=True).sum(-1)
    distance = (distance + F.kl_div(middle, b, reduction="none", log_target=True).sum(-1)) / 2
    z = clean.detach()
    odds = (
        z.masked_fill(F.one_hot(labels, z.shape[1]).bool(), -math.inf).logsumexp(1) - z.gather(1, labels[:, None])[:, 0]
    )
    return distance * torch.exp(gamma * F.logsigmoid(odds))
