"""The targeted attack is content with any change of the prediction."""

EXPECTED = {"test_targeted_ifgsm": 0}


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    with torch.no_grad():
        first = model(images).argmax(1)
    adversarial = images.clone()
    for _ in range(steps):
        x = adversarial.clone().requires_grad_()
        logits = model(x)
        predicted = logits.argmax(1)
        active = ((predicted == first) & (predicted != targets)).view(-1, 1, 1, 1)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, targets), x)
        adversarial = (adversarial - step_size * gradient.sign() * active).clamp(0, 1)
    return adversarial
