"""FGSM switches the caller's model to eval mode."""

EXPECTED = {"test_fgsm_traces": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    model.eval()
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    return (images + eps * gradient.sign()).clamp(0, 1)
