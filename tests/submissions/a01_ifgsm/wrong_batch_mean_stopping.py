"""The loop stops for the whole batch once half of it is fooled; until then every image is moved."""

EXPECTED = {"test_ifgsm_stopping": 0}


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        logits = model(x)
        if (logits.argmax(1) != labels).float().mean() > 0.5:
            break
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels), x)
        x = (x.detach() + step_size * gradient.sign()).clamp(0, 1)
    return x.detach()
