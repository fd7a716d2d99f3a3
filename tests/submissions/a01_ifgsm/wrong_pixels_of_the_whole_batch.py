"""The pixels of all images compete for places."""

EXPECTED = {"test_fgsm": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps, count):
    x = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    moved = (images + eps * gradient.sign()).clamp(0, 1)
    gain = (gradient * (moved - images)).sum(1).flatten()
    chosen = torch.zeros_like(gain, dtype=torch.bool)
    chosen[gain.topk(count * len(images)).indices] = True
    return torch.where(chosen.view(len(images), 1, *images.shape[2:]), moved, images)
