"""Every margin is kept, and the choice made in the end."""

EXPECTED = {}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    margins = torch.full((len(transforms), len(images)), float("inf"), dtype=images.dtype)
    fooled = torch.zeros(len(transforms), len(images), dtype=torch.bool)
    active = torch.ones(len(images), dtype=torch.bool)
    with torch.no_grad():
        for j, t in enumerate(transforms):
            if not active.any():
                break
            z = model(slant_translate(images[active], t.repeat(int(active.sum()), 1)))
            y = labels[active]
            two = z.topk(2, 1)
            rival = torch.where(two.indices[:, 0] == y, two.values[:, 1], two.values[:, 0])
            margins[j, active] = z[torch.arange(len(y)), y] - rival
            fooled[j, active] = z.argmax(1) != y
            active = active & ~fooled[j]
    chosen = torch.where(fooled.any(0), fooled.int().argmax(0), margins.argmin(0))
    return slant_translate(images, transforms[chosen]).detach(), chosen
