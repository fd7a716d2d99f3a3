"""Arrays where numbers are asked for: the linear exercise and the last one by NumPy."""

EXPECTED = {}


# %% grade_id: boundary_distances
import numpy as np


def boundary_distances(weight, bias, images, cost):
    w, b, x = weight.numpy(), bias.numpy(), images.numpy().reshape(len(images), -1)
    root = np.sqrt(np.broadcast_to(cost.numpy(), images.shape)).reshape(len(images), 1, -1)
    z = x @ w.T + b
    top = z.argmax(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.abs(z - z.max(1, keepdims=True)) / np.linalg.norm((w[None] - w[top][:, None]) / root, axis=2)
    found[np.arange(len(x)), top] = np.inf
    return torch.from_numpy(found)


# %% grade_id: rho_adv
def rho(model, images, adversarial, share):
    with torch.no_grad():
        before, after = model(images).numpy().argmax(1), model(adversarial).numpy().argmax(1)
    x, a = (each.detach().numpy().reshape(len(each), -1) for each in (images, adversarial))
    needed = np.where(before != after, np.linalg.norm(a - x, axis=1) / np.linalg.norm(x, axis=1), np.inf)
    return np.quantile(needed, share, method="inverted_cdf")
