"""The default reduction, a mean over crops of all images."""

EXPECTED = {"test_crop_gradient": 0}


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    draws, total = positions.shape[1], torch.zeros_like(images)
    for i in range(len(images)):
        for place in positions[i]:
            x = images.detach().clone().requires_grad_()
            crop = crops.window(x[i : i + 1], place[None], side)
            total += torch.autograd.grad(F.cross_entropy(model(crop), labels[i : i + 1]), x)[0]
    return total / (draws * len(images))
