"""Every image by itself, in plain loops; the search asks about the images as they are once more."""

EXPECTED = {}


# %% grade_id: transform_grid
def transform_grid(max_shift, max_angle, shifts, angles):
    def spaced(limit, count):
        return [limit * (2 * i / (count - 1) - 1) for i in range(count)]

    rows = [[0.0, 0.0, 0.0]]
    for dx in spaced(max_shift, shifts):
        for dy in spaced(max_shift, shifts):
            for angle in spaced(max_angle, angles):
                if (dx, dy, angle) != (0, 0, 0):
                    rows.append([dx, dy, angle])
    return torch.tensor(rows)


# %% grade_id: grid_search
@torch.no_grad()
def search_one(model, image, label, transforms):
    if model(image).argmax(1) != label:
        return image, 0
    losses = []
    for k in range(len(transforms)):
        moved = rotate_translate(image, transforms[k : k + 1])
        logits = model(moved)
        if logits.argmax(1) != label:
            return moved, k
        losses.append(F.cross_entropy(logits, label))
    k = int(torch.stack(losses).argmax())
    return rotate_translate(image, transforms[k : k + 1]), k


def grid_search(model, images, labels, transforms):
    found = [search_one(model, x[None], y[None], transforms) for x, y in zip(images, labels)]
    return torch.cat([moved for moved, _ in found]), torch.tensor([k for _, k in found])


# %% grade_id: draw_transforms
def draw_transforms(n, count, max_shift, max_angle, generator):
    result = torch.empty(n, count, 3)
    for column, limit in enumerate((max_shift, max_shift, max_angle)):
        result[..., column].uniform_(-limit, limit, generator=generator)
    return result


# %% grade_id: survival
def survival(model, adversarial, targets, transforms):
    hits = 0
    for t in transforms:
        for i in range(len(adversarial)):
            hits += int(model(rotate_translate(adversarial[i : i + 1], t[i : i + 1])).argmax() == targets[i])
    return hits / transforms[..., 0].numel()


# %% grade_id: cosines
def cosines(a, b):
    return torch.stack([F.cosine_similarity(x.flatten(), y.flatten(), dim=0) for x, y in zip(a, b)])
