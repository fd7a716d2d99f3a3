"""The Jacobian of the logits by torch.func, image by image."""

EXPECTED = {}


# %% grade_id: deepfool_step
def deepfool_step(model, images, cost):
    found = []
    for image, a in zip(images.detach(), cost.expand(images.shape), strict=True):

        def logits(x):
            return model(x[None])[0]

        z = logits(image).detach()
        slopes = torch.autograd.functional.jacobian(logits, image)
        top = z.argmax()
        w, f = slopes - slopes[top], z[top] - z
        dual = torch.einsum("kchw,chw->k", w.pow(2), 1 / a)
        away = f.pow(2) / dual
        away[top] = torch.inf
        nearest = away.argmin()
        found.append(f[nearest] / dual[nearest] * w[nearest] / a)
    return torch.stack(found)
