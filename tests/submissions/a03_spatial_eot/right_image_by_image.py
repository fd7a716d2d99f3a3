"""Every image and every draw by itself."""

EXPECTED = {}


# %% grade_id: pixel_to_grid
def pixel_to_grid(points, height, width, align_corners):
    u, v = points[..., 0], points[..., 1]
    if align_corners:
        return torch.stack([u / (width - 1) * 2 - 1, v / (height - 1) * 2 - 1], -1)
    return torch.stack([(u + 0.5) / width * 2 - 1, (v + 0.5) / height * 2 - 1], -1)


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    moved, chosen = [], []
    with torch.no_grad():
        for image, label in zip(images, labels.tolist()):
            lowest, choice = float("inf"), 0
            for j, t in enumerate(transforms):
                z = model(slant_translate(image[None], t[None]))[0]
                rest = torch.cat([z[:label], z[label + 1 :]])
                if z.argmax() != label:
                    choice = j
                    break
                if z[label] - rest.max() < lowest:
                    lowest, choice = z[label] - rest.max(), j
            moved.append(slant_translate(image[None], transforms[choice : choice + 1])[0])
            chosen.append(choice)
    return torch.stack(moved), torch.tensor(chosen)


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms, margin):
    result = torch.zeros_like(images)
    for i, target in enumerate(targets.tolist()):
        for t in transforms[:, i]:
            x = images[i : i + 1].detach().clone().requires_grad_()
            z = model(slant_translate(x, t[None]))[0]
            lead = z[target] - max(z[k] for k in range(len(z)) if k != target)
            if lead < margin:
                result[i] += torch.autograd.grad(lead, x)[0][0]
    return result / len(transforms)


# %% grade_id: survival
def survival(model, adversarial, targets, transforms):
    import statistics

    rates = []
    with torch.no_grad():
        for i in range(len(targets)):
            hits = [model(slant_translate(adversarial[i : i + 1], t[i : i + 1])).argmax(1).item() for t in transforms]
            rates.append(sum(h == targets[i].item() for h in hits) / len(hits))
    return statistics.mean(rates), 2 * statistics.stdev(rates) / len(rates) ** 0.5
