"""Gradients by torch.func, results as tensors of one element, norms by einsum, functions by partial and lambda."""

EXPECTED = {}


# %% grade_id: fgsm
from functools import partial


def per_image_loss(model, image, label):
    return F.cross_entropy(model(image.unsqueeze(0)), label.unsqueeze(0))


def gradient(model, images, labels):
    return torch.func.vmap(torch.func.grad(partial(per_image_loss, model)))(images, labels).detach()


def few(count, image, slope, stepped):
    added = (slope * (stepped - image)).sum(0)
    chosen = torch.zeros(added.numel(), dtype=image.dtype).index_fill(0, added.flatten().topk(count).indices, 1.0)
    return torch.lerp(image, stepped, chosen.view_as(added).expand_as(image))


def fgsm(model, images, labels, eps, count):
    slopes = gradient(model, images, labels)
    return torch.func.vmap(partial(few, count))(images, slopes, (images + eps * slopes.sign()).clamp(0, 1))


# %% grade_id: ifgsm
def walk(model, images, classes, step_size, steps, sense):
    x = images
    for _ in range(steps):
        hit = model(x).detach().argmax(1) == classes
        moving = hit if sense > 0 else ~hit
        x = torch.where(
            moving[:, None, None, None], (x + sense * step_size * gradient(model, x, classes).sign()).clamp(0, 1), x
        )
    return x.clone()


ifgsm = partial(walk, sense=+1)


# %% grade_id: targeted_ifgsm
targeted_ifgsm = partial(walk, sense=-1)


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    attacked = (model(images).argmax(1) == labels).double()
    return (attacked * (model(adversarial).argmax(1) != labels)).sum() / attacked.sum()


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    delta = adversarial - images
    content = images - torch.einsum("nchw->nc", images)[..., None, None] / images[0, 0].numel()
    return (torch.einsum("nchw,nchw->n", delta, delta) / torch.einsum("nchw,nchw->n", content, content)).sqrt()
