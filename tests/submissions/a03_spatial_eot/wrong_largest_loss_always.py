"""The transform of largest loss, whether or not an earlier one fools."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    losses = []
    with torch.no_grad():
        for transform in transforms:
            logits = model(rotate_translate(images, transform.repeat(len(images), 1)))
            losses.append(F.cross_entropy(logits, labels, reduction="none"))
        chosen = torch.stack(losses).argmax(0)
        return rotate_translate(images, transforms[chosen]), chosen
