"""Loops over images, pairs and copies in Python, one query a call."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    result = torch.zeros_like(images)
    for n in range(len(images)):
        row = torch.tensor([n])
        for _ in range(samples // 2):
            u = torch.where(torch.rand(images[n].shape, generator=generator) < 0.5, -1.0, 1.0).to(images.dtype)
            up = score((images[n] + sigma * u)[None], row).item()
            down = score((images[n] - sigma * u)[None], row).item()
            result[n] += (up - down) / (2 * sigma) * u
    return result / (samples // 2)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    result = torch.zeros_like(images)
    for n in range(len(images)):
        row, found = torch.tensor([n]), []
        while len(found) < samples // 2:
            v = torch.randn(images[n].numel(), generator=generator, dtype=torch.float64)
            for _ in range(2):
                for other in found:
                    v = v - (v @ other) * other
            found.append(v / v.norm())
        for q in found:
            v = (images[n].numel() ** 0.5 * q).view_as(images[n]).to(images.dtype)
            up = score((images[n] + sigma * v)[None], row).item()
            down = score((images[n] - sigma * v)[None], row).item()
            result[n] += (up - down) * v / (samples * sigma)
    return result


# %% grade_id: spread
def spread(estimates_of_all):
    variances, signals = [], []
    repeats = len(estimates_of_all)
    for own in estimates_of_all.flatten(2).unbind(1):
        mean = own.mean(0)
        variances.append(sum((row - mean).square().sum() for row in own) / (repeats - 1))
        signals.append(sum(own[i] @ own[j] for i in range(repeats) for j in range(i)) * 2 / (repeats * (repeats - 1)))
    return torch.stack(variances), torch.stack(signals)


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    results = images.detach().clone()
    for n in range(len(images)):
        row, clean = torch.tensor([n]), images[n : n + 1].detach()

        def loss(points, rows, n=n):
            logits = oracle(points, torch.full((len(points),), n))
            others = torch.cat([logits[:, : labels[n]], logits[:, labels[n] + 1 :]], 1)
            return others.max(1).values - logits[:, labels[n]]

        left = int(oracle.left(row))
        x, v, best = clean.clone(), 0, None
        while left > 0:
            value = loss(x, row).item()
            left -= 1
            if best is None or value > best:
                best, results[n] = value, x[0]
            if value > 0 or left < samples + 1:
                break
            g = rademacher_gradient(loss, x, samples, sigma, generator)
            left -= samples
            v = momentum * v + (g / g.norm() if g.norm() > 0 else g)
            x = torch.clamp(x + step_size * v.sign(), clean - eps, clean + eps).clamp(0, 1)
    return results


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    scores = []
    for n in range(len(images)):
        total = 0.0
        for _ in range(copies // 2):
            noise = torch.randn(images[n].shape, generator=generator, dtype=images.dtype)
            for side in (mu, -mu):
                classes = oracle((images[n] + side * noise)[None], torch.tensor([n])).classes[0].tolist()
                if int(targets[n]) in classes:
                    total += (oracle.k - classes.index(int(targets[n]))) / oracle.k
        scores.append(total / copies)
    return torch.tensor(scores, dtype=images.dtype)


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    results, radii = starts.clone(), torch.full((len(images),), torch.inf, dtype=images.dtype)
    for n in range(len(images)):
        a, b = 0.0, float((starts[n] - images[n]).abs().max())

        def listed(r, n=n):
            point = images[n] + (starts[n] - images[n]).clamp(-r, r)
            return bool((oracle(point[None], torch.tensor([n])).classes == targets[n]).any())

        if not listed(b):
            continue
        for _ in range(queries - 1):
            r = (a + b) / 2
            if listed(r):
                b = r
            else:
                a = r
        results[n] = images[n] + (starts[n] - images[n]).clamp(-b, b)
        radii[n] = b
    return results, radii
