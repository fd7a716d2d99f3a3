"""The rates by NumPy, and the slopes in one batch of four times the images."""

EXPECTED = {}


# %% grade_id: predicted_slope
def predicted_slope(c, gamma, alpha):
    import numpy as np

    psi = fast_stream(c, gamma, alpha).detach().numpy()
    return torch.from_numpy(-np.einsum("nij,nij->n", c.detach().numpy(), psi))


# %% grade_id: measured_slope
@torch.no_grad()
def measured_slope(model, images, labels, field, h):
    times = [h, -h, h / 2, -h / 2]
    moved = torch.cat([follow(images, field, t, 1) for t in times])
    losses = F.cross_entropy(model(moved), labels.repeat(4), reduction="none").view(4, -1)
    weights = torch.tensor([-0.5, 0.5, 2, -2], dtype=images.dtype) / h
    return weights @ losses
