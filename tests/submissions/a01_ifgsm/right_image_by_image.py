"""Everything image by image, in Python loops."""

EXPECTED = {}


# %% grade_id: fgsm
def gradient_of(model, image, label):
    x = image[None].detach().clone().requires_grad_()
    loss = -model(x).log_softmax(1)[0, label]
    return torch.autograd.grad(loss, x)[0][0]


def predicted(model, image):
    with torch.no_grad():
        return model(image[None])[0].argmax()


def fgsm(model, images, labels, eps, count):
    results = []
    for image, label in zip(images, labels):
        slope = gradient_of(model, image, label)
        there = (image + eps * slope.sign()).clamp(0, 1)
        places = [(r, c) for r in range(image.shape[1]) for c in range(image.shape[2])]
        brings = {(r, c): float(slope[:, r, c] @ (there - image)[:, r, c]) for r, c in places}
        result = image.clone()
        for r, c in sorted(places, key=brings.get, reverse=True)[:count]:
            result[:, r, c] = there[:, r, c]
        results.append(result)
    return torch.stack(results)


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    results = []
    for image, label in zip(images, labels):
        left = steps
        while left > 0 and predicted(model, image) == label:
            image = (image + step_size * gradient_of(model, image, label).sign()).clamp(0, 1)
            left -= 1
        results.append(image)
    return torch.stack(results)


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    results = []
    for image, target in zip(images, targets):
        for _ in range(steps):
            if predicted(model, image) == target:
                break
            image = (image - step_size * gradient_of(model, image, target).sign()).clamp(0, 1)
        results.append(image)
    return torch.stack(results)


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    results = []
    for original, label in zip(images, labels):
        image = original
        for _ in range(steps):
            if predicted(model, image) != label:
                break
            image = project(image + step_size * gradient_of(model, image, label).sign(), original, eps)
        results.append(image)
    return torch.stack(results)


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    attacked = fooled = 0
    for before, after, label in zip(images, adversarial, labels):
        if predicted(model, before) == label:
            attacked += 1
            fooled += int(predicted(model, after) != label)
    return fooled / attacked


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    return torch.stack([torch.dist(a, x) / torch.dist(x, x.mean((1, 2), True)) for x, a in zip(images, adversarial)])
