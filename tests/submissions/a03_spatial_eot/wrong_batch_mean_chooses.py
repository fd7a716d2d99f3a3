"""One transform for the whole batch, by the mean of the loss."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    best, chosen = -float("inf"), 0
    with torch.no_grad():
        for k in range(len(transforms)):
            moved = rotate_translate(images, transforms[k].expand(len(images), 3))
            loss = F.cross_entropy(model(moved), labels).item()
            if loss > best:
                best, chosen, result = loss, k, moved
    return result, torch.full((len(images),), chosen)
