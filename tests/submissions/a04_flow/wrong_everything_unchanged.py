"""The functions return zeros, or the images as they are."""

EXPECTED = {
    "test_velocity": 0,
    "test_stream_gradient": 0,
    "test_dense_stream": 0,
    "test_fast_stream": 0,
    "test_follow": 0,
    "test_predicted_slope": 0,
    "test_measured_slope": 0,
    "test_flow_attack": 0,
    "test_flow_attack_flat": 0,
    "test_flow_attack_traces": 0,
}


# %% grade_id: velocity
def velocity(psi):
    return torch.zeros(len(psi), 2, psi.shape[1] + 1, psi.shape[2] + 1, dtype=psi.dtype)


# %% grade_id: stream_gradient
def stream_gradient(d):
    return torch.zeros(len(d), d.shape[2] - 1, d.shape[3] - 1, dtype=d.dtype)


# %% grade_id: dense_stream
def dense_stream(c, gamma, alpha):
    return torch.zeros_like(c)


# %% grade_id: fast_stream
def fast_stream(c, gamma, alpha):
    return torch.zeros_like(c)


# %% grade_id: follow
def follow(images, field, t, steps):
    return images.clone()


# %% grade_id: predicted_slope
def predicted_slope(c, gamma, alpha):
    return torch.zeros(len(c), dtype=c.dtype)


# %% grade_id: measured_slope
def measured_slope(model, images, labels, field, h):
    return torch.zeros(len(images), dtype=images.dtype)


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, size, steps):
    return images.detach().clone()
