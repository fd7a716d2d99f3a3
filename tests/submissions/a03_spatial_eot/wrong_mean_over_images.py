"""cross_entropy's default averages over the images too."""

EXPECTED = {"test_eot_gradient": 0}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms):
    x = images.detach().clone().requires_grad_()
    logits = torch.stack([model(rotate_translate(x, t)) for t in transforms])
    values = logits.log_softmax(2).gather(2, targets.expand(len(transforms), -1)[..., None])
    return torch.autograd.grad(values.mean(), x)[0]
