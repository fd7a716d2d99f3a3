"""Velocity and its transpose as convolutions."""

EXPECTED = {}


# %% grade_id: velocity
def velocity(psi):
    kernel = torch.tensor([[[1.0, 1], [-1, -1]], [[-1, 1], [-1, 1]]]).to(psi)[None] / 2
    return F.conv_transpose2d(psi[:, None], kernel)


# %% grade_id: stream_gradient
def stream_gradient(d):
    kernel = torch.tensor([[[1.0, 1], [-1, -1]], [[-1, 1], [-1, 1]]]).to(d)[None] / 2
    return F.conv2d(d, kernel).squeeze(1)
