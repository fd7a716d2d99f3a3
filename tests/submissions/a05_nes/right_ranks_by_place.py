"""The place is found by argmax, and copies are asked about side by side."""

EXPECTED = {}


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    numbers, total = torch.arange(len(images)), torch.zeros(len(images), dtype=images.dtype)
    for _ in range(copies // 2):
        noise = torch.randn(images.shape, generator=generator, dtype=images.dtype)
        for points in (images + mu * noise, images - mu * noise):
            hit = oracle(points, numbers).classes == targets[:, None]
            place = hit.int().argmax(1)
            total += torch.where(hit.any(1), 1 - place / oracle.k, 0)
    return total / copies
