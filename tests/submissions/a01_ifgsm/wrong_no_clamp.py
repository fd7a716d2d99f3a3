"""Nothing is clamped: pixels leave [0, 1], in one step and in many."""

EXPECTED = {"test_fgsm": 0, "test_ifgsm_steps": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    x = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    return images + eps * gradient.sign()


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    adversarial = images.clone()
    for _ in range(steps):
        x = adversarial.clone().requires_grad_()
        logits = model(x)
        active = (logits.argmax(1) == labels).view(-1, 1, 1, 1)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels), x)
        adversarial = adversarial + step_size * gradient.sign() * active
    return adversarial
