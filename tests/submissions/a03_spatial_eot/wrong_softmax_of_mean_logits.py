"""The logits of the draws are averaged first, and one cross-entropy is taken of the average."""

EXPECTED = {"test_eot_gradient": 0}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms):
    x = images.detach().clone().requires_grad_()
    logits = torch.stack([model(rotate_translate(x, t)) for t in transforms])
    loss = F.cross_entropy(logits.mean(0), targets, reduction="sum")
    return -torch.autograd.grad(loss, x)[0]
