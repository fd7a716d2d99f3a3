"""FGSM sets requires_grad on the caller's images and returns a graph; I-FGSM fills the parameters' .grad."""

EXPECTED = {"test_fgsm_traces": 0, "test_ifgsm_traces": 0}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps):
    images.requires_grad = True
    loss = F.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, images)
    return (images + eps * gradient.sign()).clamp(0, 1)


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    adversarial = images.clone()
    for _ in range(steps):
        x = adversarial.clone().requires_grad_()
        logits = model(x)
        F.cross_entropy(logits, labels).backward()
        active = (logits.argmax(1) == labels).view(-1, 1, 1, 1)
        adversarial = (adversarial + step_size * x.grad.sign() * active).clamp(0, 1)
    return adversarial
