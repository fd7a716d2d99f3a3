"""The targeted attack climbs the loss of its target instead of descending it."""

EXPECTED = {"test_targeted_ifgsm": 0}


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    adversarial = images.clone()
    for _ in range(steps):
        x = adversarial.clone().requires_grad_()
        logits = model(x)
        active = (logits.argmax(1) != targets).view(-1, 1, 1, 1)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, targets), x)
        adversarial = (adversarial + step_size * gradient.sign() * active).clamp(0, 1)
    return adversarial
