"""All points of an estimate in one call; directions by signs and by a singular value decomposition."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    u = torch.randn(samples // 2, *images.shape, generator=generator, dtype=images.dtype).sign()
    points = torch.stack([images + sigma * u, images - sigma * u], dim=1)
    values = score(points.flatten(0, 2), torch.arange(len(images)).repeat(samples)).detach()
    values = values.view(samples // 2, 2, len(images))
    return torch.einsum("kn,knchw->nchw", values[:, 0] - values[:, 1], u) / (samples * sigma)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    pairs, size = samples // 2, images[0].numel()
    drawn = torch.randn(len(images), pairs, size, generator=generator, dtype=images.dtype)
    left, _, right = torch.linalg.svd(drawn, full_matrices=False)
    v = (size**0.5 * left @ right).view(len(images), pairs, *images.shape[1:])
    points = torch.cat([images[:, None] - sigma * v, images[:, None] + sigma * v], dim=1)
    values = score(points.flatten(0, 1), torch.arange(len(images)).repeat_interleave(samples)).detach()
    values = values.view(len(images), samples)
    slopes = (values[:, pairs:] - values[:, :pairs]) / (2 * sigma)
    return (slopes.view(*slopes.shape, 1, 1, 1) * v).sum(1) / pairs


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    half = torch.full_like(scores, 1 / (2 * copies))
    share = torch.where(scores <= 0, half, torch.where(scores >= 1, 1 - half, scores))
    return mu * 2**0.5 * torch.erfinv(2 * share - 1)
