"""The loss of the mean logits."""

EXPECTED = {"test_crop_gradient": 0}


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    x = images.detach().clone().requires_grad_()
    logits = [model(crops.window(x[i : i + 1], p[None], side)) for i in range(len(x)) for p in positions[i]]
    logits = torch.cat(logits).view(len(x), -1, logits[0].shape[1])
    return torch.autograd.grad(F.cross_entropy(logits.mean(1), labels, reduction="sum"), x)[0]
