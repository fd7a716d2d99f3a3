"""The metrics come as a NumPy scalar and an array."""

EXPECTED = {}


# %% grade_id: project
import numpy as np


def project(adversarial, images, eps):
    low, high = np.maximum(images.numpy() - eps, 0), np.minimum(images.numpy() + eps, 1)
    return torch.from_numpy(np.clip(adversarial.numpy(), low, high)).to(images.dtype)


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    with torch.no_grad():
        before, after = (model(x).argmax(1).numpy() for x in (images, adversarial))
    truth = labels.numpy()
    return np.mean(after[before == truth] != truth[before == truth])


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    x, a = images.detach().numpy(), adversarial.detach().numpy()
    contrast = np.sqrt(x[0, 0].size * x.var(axis=(2, 3)).sum(axis=1))
    return np.linalg.norm((a - x).reshape(len(x), -1), axis=1) / contrast
