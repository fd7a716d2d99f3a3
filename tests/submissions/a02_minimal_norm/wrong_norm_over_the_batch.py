"""The nearest class is that of the whole batch, and so is the norm: images depend on each other."""

EXPECTED = {"test_deepfool_step": 0}


# %% grade_id: deepfool_step
def deepfool_step(model, images, cost):
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    top = logits.argmax(1)
    best, least = torch.zeros_like(images), torch.inf
    for k in range(logits.shape[1]):
        f = logits[:, k] - logits.gather(1, top[:, None])[:, 0]
        (w,) = torch.autograd.grad(f.sum(), x, retain_graph=True)
        f, square = f.detach().abs(), (w * w / cost).sum()
        if square > 0 and f.sum() / square.sqrt() < least:
            least = f.sum() / square.sqrt()
            best = f.view(-1, 1, 1, 1) * w / cost / square
    return best
