"""The mean of the parts' means, where the last part is smaller."""

EXPECTED = {"test_crop_gradient": 0}


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    result = torch.zeros_like(images)
    for i in range(len(images)):
        parts = []
        for places in positions[i].split(at_once):
            x = images[i : i + 1].detach().clone().requires_grad_()
            shown = crops.window(x.expand(len(places), -1, -1, -1), places, side)
            parts.append(torch.autograd.grad(F.cross_entropy(model(shown), labels[i].repeat(len(places))), x)[0])
        result[i] = torch.cat(parts).mean(0)
    return result
