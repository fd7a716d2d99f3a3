"""Everything calls itself: halves of the pairs, the rest of a basis, the rest of the way."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    rows = torch.arange(len(images))

    def added(pairs):
        if pairs > 1:
            return added(pairs // 2) + added(pairs - pairs // 2)
        heads = torch.rand(images.shape, generator=generator, dtype=images.dtype) < 0.5
        u = torch.where(heads, torch.ones_like(images), -torch.ones_like(images))
        rise = score(images + sigma * u, rows) - score(images - sigma * u, rows)
        return (rise.view(-1, 1, 1, 1) * u).detach() / (2 * sigma)

    return added(samples // 2) / (samples // 2)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    size, rows, pairs = images[0].numel(), torch.arange(len(images)), samples // 2

    def basis(left, found):
        """Rows (N, m, P): each new one is made orthogonal to those before it, twice for rounding."""
        if left == 0:
            return found
        v = torch.randn(len(images), 1, size, generator=generator, dtype=torch.float64)
        for _ in range(2):
            v = v - (v @ found.mT) @ found
        return basis(left - 1, torch.cat([found, v / v.norm(dim=2, keepdim=True)], dim=1))

    def added(directions):
        if not len(directions):
            return torch.zeros_like(images).detach()
        v = directions[0]
        rise = score(images + sigma * v, rows) - score(images - sigma * v, rows)
        return (rise.view(-1, 1, 1, 1) * v).detach() / (2 * sigma) + added(directions[1:])

    found = basis(pairs, torch.empty(len(images), 0, size, dtype=torch.float64))
    directions = (size**0.5 * found).to(images.dtype).transpose(0, 1).reshape(pairs, *images.shape)
    return added(directions) / pairs


# %% grade_id: spread
def spread(estimates_of_all):
    def told(rows):
        """Count, mean, sum of squares about the mean: of two halves, put together."""
        if len(rows) == 1:
            return 1, rows[0], rows[0, :, 0] * 0
        (a, mean, squares), (b, other, more) = told(rows[: len(rows) // 2]), told(rows[len(rows) // 2 :])
        gap = other - mean
        return a + b, mean + gap * b / (a + b), squares + more + gap.pow(2).sum(1) * a * b / (a + b)

    count, mean, squares = told(estimates_of_all.detach().flatten(2))
    variance = squares / (count - 1)
    return variance, (mean * mean).sum(1) - variance / count


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    def strongest(n):
        row, clean, y = torch.tensor([n]), images[n : n + 1].detach(), labels[n]

        def lead(points, rows=None):
            z = oracle(points, row.expand(len(points)))
            return torch.cat([z[:, :y], z[:, y + 1 :]], dim=1).amax(1) - z[:, y]

        def climb(x, velocity, best, record):
            value = lead(x).item()
            if value > record:
                best, record = x, value
            if value > 0 or oracle.left(row).item() < samples + 1:
                return best
            g = rademacher_gradient(lead, x, samples, sigma, generator)
            velocity = momentum * velocity + (g / g.norm() if g.any() else 0)
            moved = x + step_size * velocity.sign()
            return climb((clean + (moved - clean).clamp(-eps, eps)).clamp(0, 1), velocity, best, record)

        return climb(clean.clone(), 0 * clean, clean, -math.inf) if oracle.left(row).item() else clean.clone()

    import math

    return torch.cat([strongest(n) for n in range(len(images))])


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    def place(classes, target):
        if not classes:
            return 0
        return len(classes) if classes[0] == target else place(classes[1:], target)

    def ranks(points, numbers):
        lists = oracle(points, numbers).classes.tolist()
        return torch.tensor([place(c, t) / oracle.k for c, t in zip(lists, targets.tolist(), strict=True)])

    def added(pairs):
        if pairs == 0:
            return torch.zeros(len(images), dtype=torch.float64)
        u, numbers = torch.randn(images.shape, generator=generator, dtype=images.dtype), torch.arange(len(images))
        return ranks(images + mu * u, numbers).double() + ranks(images - mu * u, numbers) + added(pairs - 1)

    return (added(copies // 2) / copies).to(images.dtype)


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    half = torch.tensor(0.5 / copies, dtype=torch.float64)
    share = scores.double()
    share = torch.where(share == 0, half, torch.where(share == 1, 1 - half, share))

    def halved(low, high, times):
        middle = (low + high) / 2
        if times == 0:
            return middle
        above = torch.special.ndtr(middle) > share
        return halved(torch.where(above, low, middle), torch.where(above, middle, high), times - 1)

    return (mu * halved(torch.full_like(share, -40), torch.full_like(share, 40), 90)).to(scores.dtype)


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    def one(n):
        x, s, row = images[n], starts[n], torch.tensor([n])

        def cut(r):
            return torch.clamp(s, x - r, x + r)

        def listed(point):
            return targets[n] in oracle(point[None], row).classes

        def search(a, b, left):
            if left == 0:
                return cut(b), b
            r = (a + b) / 2
            return search(a, r, left - 1) if listed(cut(r)) else search(r, b, left - 1)

        if not listed(s):
            return s.clone(), torch.tensor(torch.inf, dtype=x.dtype)
        return search(0 * x.max(), torch.linalg.vector_norm(s - x, torch.inf), queries - 1)

    cuts, radii = zip(*map(one, range(len(images))), strict=True)
    return torch.stack(cuts), torch.stack(radii)
