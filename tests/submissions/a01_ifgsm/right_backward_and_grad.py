"""Gradients by backward() into x.grad of a copy, cleared by hand; the parameters' .grad put back to None."""

EXPECTED = {}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps, count):
    x = images.clone().detach()
    x.requires_grad = True
    torch.nn.CrossEntropyLoss()(model(x), labels).backward()
    model.zero_grad()
    with torch.no_grad():
        stepped = torch.clip(x + eps * torch.sign(x.grad), 0.0, 1.0)
        gain = ((stepped - x) * x.grad).sum(dim=1)
        result = x.detach().clone()
        for n in range(len(x)):
            for place in torch.topk(gain[n].reshape(-1), count).indices:
                row, column = divmod(int(place), x.shape[3])
                result[n, :, row, column] = stepped[n, :, row, column]
        return result


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.clone().detach()
    x.requires_grad = True
    for _ in range(steps):
        x.grad = None
        logits = model(x)
        F.cross_entropy(logits, labels).backward()
        model.zero_grad()
        with torch.no_grad():
            going = logits.argmax(dim=1).eq(labels)[:, None, None, None]
            x += step_size * x.grad.sign() * going
            x.clamp_(0, 1)
    return x.detach()


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    x = images.clone().detach()
    x.requires_grad = True
    for _ in range(steps):
        x.grad = None
        logits = model(x)
        F.cross_entropy(logits, targets).backward()
        model.zero_grad()
        with torch.no_grad():
            going = logits.argmax(dim=1).ne(targets)[:, None, None, None]
            x -= step_size * x.grad.sign() * going
            x.clamp_(0, 1)
    return x.detach()


# %% grade_id: project
def project(adversarial, images, eps):
    delta = torch.clip(adversarial - images, -eps, eps)
    return torch.clip(images + delta, 0, 1)


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    right = model(images).argmax(1) == labels
    wrong = model(adversarial).argmax(1) != labels
    return (right & wrong).sum().item() / right.sum().item()
