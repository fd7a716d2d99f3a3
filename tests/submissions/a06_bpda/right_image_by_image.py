"""One image after another, one crop after another, one mask after another."""

EXPECTED = {}


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    results, hits = [], []
    for image, label in zip(images.detach(), labels, strict=True):
        x, y = image[None], label[None]
        best, key, hit = None, (-1, 0.0), []
        for k in range(steps + 1):
            z = defended(x).detach()
            now = (int(z.argmax(1) != y), F.cross_entropy(z, y).item())
            hit.append(max(now[0], hit[-1] if hit else 0))
            if best is None or now > key:
                best, key = x.clone(), now
            if k < steps:
                leaf = x.clone().requires_grad_()
                slope = torch.autograd.grad(F.cross_entropy(stand_in(leaf), y), leaf)[0]
                x = (x + step_size * slope.sign()).clamp(image - eps, image + eps).clamp(0, 1)
        results.append(best)
        hits.append(torch.tensor(hit).double())
    return torch.cat(results), torch.stack(hits).mean(0)


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    found = torch.empty(count, draws, 2, dtype=torch.int64)
    for each in found:
        for axis, side in enumerate((rows, columns)):
            part = torch.randperm(draws, generator=generator).double()
            u = (part + torch.rand(draws, generator=generator, dtype=torch.float64)) / draws
            each[:, axis] = (side * u).floor().clamp(max=side - 1).long()
    return found


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    total = torch.zeros_like(images)
    for i in range(len(images)):
        for place in positions[i]:
            x = images[i : i + 1].detach().clone().requires_grad_()
            loss = F.cross_entropy(model(crops.window(x, place[None], side)), labels[i : i + 1])
            total[i] += torch.autograd.grad(loss, x)[0][0] / positions.shape[1]
    return total


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    total = torch.zeros_like(images)
    for i in range(len(images)):
        for _ in range(draws):
            mask = (torch.rand(1, 1, *images.shape[2:], generator=generator) > drop).to(images.dtype)
            seen = smooth(images[i : i + 1], mask).clone().requires_grad_()
            (there,) = torch.autograd.grad(F.cross_entropy(model(seen), labels[i : i + 1]), seen)
            x = images[i : i + 1].detach().clone().requires_grad_()
            total[i] += torch.autograd.grad(filled(x, mask), x, there)[0][0]
    return total / draws


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    right = [[bool(model(x[None]).argmax(1) == y) for x, y in zip(images, labels, strict=True)] for _ in range(draws)]
    shares = [sum(row) / len(row) for row in right]
    mean = sum(shares) / draws
    error = (sum((a - mean) ** 2 for a in shares) / (draws - 1) / draws) ** 0.5
    misses = [draws - sum(column) for column in zip(*right, strict=True)]
    spared = []
    for m in misses:
        none = 1.0
        for i in range(tries):  # the next try is right as well
            none *= max(0, draws - m - i) / (draws - i)
        spared.append(1 - none)
    return mean, error, sum(spared) / len(spared), sum(m > draws / 2 for m in misses) / len(misses)
