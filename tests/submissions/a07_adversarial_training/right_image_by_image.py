"""One image after another, in loops, with numbers of Python where they do."""

EXPECTED = {}


# %% grade_id: nearest
def nearest(points, images, eps):
    found = []
    for q, x, e in zip(points, images, eps, strict=True):
        delta = q - x
        if delta.norm() > e:
            delta = delta / delta.norm() * e
        found.append((x + delta).clamp(0, 1))
    return torch.stack(found)


# %% grade_id: ascend
def ascend(model, images, labels, eps, share, steps, start=None):
    found = []
    for i in range(len(images)):
        x, y, e = images[i : i + 1], labels[i : i + 1], eps[i : i + 1]
        at = nearest(x if start is None else start[i : i + 1], x, e)
        for _ in range(steps):
            leaf = at.clone().requires_grad_()
            g = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)[0]
            if not g.any():
                break
            at = nearest(at + share * e * g / g.norm(), x, e)
        found.append(at)
    return torch.cat(found)


# %% grade_id: mixed_loss
def mixed_loss(model, images, labels, chosen, beta, attack):
    rows = [i for i in range(len(images)) if chosen[i]]
    moved = attack(images[rows], labels[rows]).detach() if rows else images[:0]
    logits = model(torch.cat([images, moved]))
    total = 0
    for i in range(len(images)):
        own = F.cross_entropy(logits[i], labels[i])
        if i in rows:
            other = F.cross_entropy(logits[len(images) + rows.index(i)], labels[i])
            own = own + beta[i] * (other - own)
        total = total + own
    return total / len(images)


# %% grade_id: boosted
def boosted(logits, labels, m):
    found = []
    for z, y in zip(logits, labels.tolist(), strict=True):
        wrong = sorted((j for j in range(len(z)) if j != y), key=lambda j: float(z[j]))
        kept = [y, *wrong[: len(wrong) - m]]
        found.append(2 * z.logsumexp(0) - z[y] - z[kept].logsumexp(0))
    return torch.stack(found)


# %% grade_id: turn
def turn(model, images, labels, noise, h, loss):
    found = []
    for x, y, u, size in zip(images, labels, noise, h, strict=True):
        step, gradients = size * u / u.norm(), []
        for at in (x, x + step):
            leaf = at[None].clone().requires_grad_()
            gradients.append(torch.autograd.grad(loss(model(leaf), y[None])[0], leaf, create_graph=True)[0])
        found.append((gradients[1] - gradients[0]).pow(2).sum() * x.numel() / size**2)
    return torch.stack(found)


# %% grade_id: limit
def limit(weight, bias, images):
    found = []
    for x in images:
        p = torch.softmax(weight @ x.flatten() + bias, 0)
        hessian = weight.T @ (torch.diag(p) - torch.outer(p, p)) @ weight
        found.append(torch.trace(hessian @ hessian))
    return torch.stack(found)


# %% grade_id: refuted_by
def refuted_by(claims, rows):
    found = []
    for _, claim in claims.iterrows():
        best, which = claim["accuracy"], None
        for label, row in rows.iterrows():
            a = row["right"] / row["n"]
            upper = a + 2 * math.sqrt(a * (1 - a) / row["n"])
            if row["defense"] == claim["defense"] and row["eps"] <= claim["eps"] and upper < best:
                best, which = upper, label
        found.append(which)
    return found


# %% grade_id: doubts
def doubts(rows, defense):
    least, white = {}, False
    for row in rows[rows.defense == defense].to_dict("records"):
        kind = row["attack"]
        if kind in ("one step", "iterated"):
            kind = kind if row["made_for"] == defense else "black box"
            white |= kind != "black box"
        key = row["eps"], kind
        least[key] = min(least.get(key, 2), row["right"] / row["n"])
    found = set() if white else {"not attacked"}
    for eps in {e for e, _ in least}:
        one, many = least.get((eps, "one step")), least.get((eps, "iterated"))
        own = [a for a in (one, many) if a is not None]
        if not own:
            continue
        if len(own) == 2 and one < many:
            found.add("one step")
        if least.get((eps, "black box"), 2) < min(own):
            found.add("black box")
        if least.get((eps, "random signs"), 2) <= min(own):
            found.add("control")
    return found
