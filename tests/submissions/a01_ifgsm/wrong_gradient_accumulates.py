"""The image's gradient is never cleared, as in the draft on the slides: steps follow the sum of all so far."""

EXPECTED = {"test_ifgsm_steps": 0}


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.detach().clone().requires_grad_()
    for _ in range(steps):
        logits = model(x)
        F.cross_entropy(logits, labels).backward(inputs=[x])
        active = (logits.argmax(1) == labels).view(-1, 1, 1, 1)
        x.data.add_(step_size * x.grad.sign() * active).clamp_(0, 1)
    return x.detach()
