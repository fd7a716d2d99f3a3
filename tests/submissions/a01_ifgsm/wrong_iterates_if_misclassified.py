"""The condition is the draft's comment read literally: an image goes on while it is misclassified."""

EXPECTED = {"test_ifgsm_steps": 0, "test_ifgsm_stopping": 0}


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    adversarial = images.clone()
    for _ in range(steps):
        x = adversarial.clone().requires_grad_()
        logits = model(x)
        active = (logits.argmax(1) != labels).view(-1, 1, 1, 1)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels), x)
        adversarial = (adversarial + step_size * gradient.sign() * active).clamp(0, 1)
    return adversarial
