"""All draws of all images in one batch."""

EXPECTED = {}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms, margin):
    n, count = transforms.shape[:2]
    x = images.detach().clone().requires_grad_()
    z = model(slant_translate(x.repeat(n, 1, 1, 1), transforms.flatten(0, 1)))
    mask = F.one_hot(targets.repeat(n), z.shape[1]).bool()
    lead = z[mask] - z.masked_fill(mask, float("-inf")).max(1).values
    total = lead.view(n, count).minimum(torch.tensor(margin, dtype=z.dtype)).mean(0).sum()
    return torch.autograd.grad(total, [x])[0].detach()


# %% grade_id: survival
@torch.no_grad()
def survival(model, adversarial, targets, transforms):
    n = len(transforms)
    said = model(slant_translate(adversarial.repeat(n, 1, 1, 1), transforms.flatten(0, 1))).argmax(1).view(n, -1)
    rates = (said == targets).double().mean(0)
    return rates.mean(), 2 * (rates.var() / len(rates)).sqrt()
