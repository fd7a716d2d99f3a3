"""Nothing is done: what comes in goes out."""

EXPECTED = {
    "test_nearest": 0,
    "test_ascend": 0,
    "test_min_max_loss": 0,
    "test_shares": 0,
    "test_mixed_loss": 0,
    "test_boosted": 0,
    "test_consistency": 0,
    "test_turn": 0,
    "test_limit": 0,
    "test_refuted_by": 0,
    "test_doubts": 0,
}


# %% grade_id: nearest
def nearest(points, images, eps):
    return points.clone()


# %% grade_id: ascend
def ascend(model, images, labels, eps, share, steps, start=None):
    return images.clone()


# %% grade_id: min_max_loss
def min_max_loss(model, images, labels, attack):
    return F.cross_entropy(model(images), labels)


# %% grade_id: shares
def shares(momentum, steps):
    return 1, 0, 0


# %% grade_id: mixed_loss
def mixed_loss(model, images, labels, chosen, beta, attack):
    return F.cross_entropy(model(images), labels)


# %% grade_id: boosted
def boosted(logits, labels, m):
    return F.cross_entropy(logits, labels, reduction="none")


# %% grade_id: consistency
def consistency(clean, attacked, labels, gamma):
    return F.cross_entropy(attacked, labels, reduction="none")


# %% grade_id: turn
def turn(model, images, labels, noise, h, loss):
    return loss(model(images), labels)


# %% grade_id: limit
def limit(weight, bias, images):
    return torch.zeros(len(images), dtype=images.dtype)


# %% grade_id: refuted_by
def refuted_by(claims, rows):
    return [None] * len(claims)


# %% grade_id: doubts
def doubts(rows, defense):
    return set()
