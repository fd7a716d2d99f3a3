"""The functions return zeros, or the images as they are, and ask nothing."""

EXPECTED = {
    "test_rademacher_points": 0,
    "test_rademacher_gradient": 0,
    "test_orthogonal_points": 0,
    "test_orthogonal_gradient": 0,
    "test_spread": 0,
    "test_attack": 0,
    "test_attack_budget": 0,
    "test_attack_traces": 0,
    "test_rank_score": 0,
    "test_boundary_distance": 0,
    "test_shrink": 0,
}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    return torch.zeros_like(images)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    return torch.zeros_like(images)


# %% grade_id: spread
def spread(estimates_of_all):
    zero = torch.zeros(estimates_of_all.shape[1], dtype=estimates_of_all.dtype)
    return zero, zero.clone()


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    return images


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    return torch.zeros(len(images), dtype=images.dtype)


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    return torch.zeros_like(scores)


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    return starts.clone(), (starts - images).abs().flatten(1).amax(1)
