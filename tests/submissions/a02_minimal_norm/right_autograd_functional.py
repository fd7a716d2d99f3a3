"""The Jacobian of the logits by torch.func, image by image."""

EXPECTED = {}


# %% grade_id: deepfool_step
def deepfool_step(model, images):
    found = []
    for image in images.detach():

        def logits(x):
            return model(x[None])[0]

        z = logits(image).detach()
        slopes = torch.autograd.functional.jacobian(logits, image)
        top = z.argmax()
        w, f = slopes - slopes[top], z[top] - z
        away = f / w.flatten(1).norm(dim=1)
        away[top] = torch.inf
        nearest = away.argmin()
        found.append(f[nearest] * w[nearest] / w[nearest].pow(2).sum())
    return torch.stack(found)
