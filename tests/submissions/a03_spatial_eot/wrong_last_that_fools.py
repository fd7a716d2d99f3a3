"""A later transform that fools replaces an earlier one, and nobody leaves."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    chosen = torch.zeros(len(images), dtype=torch.int64)
    largest = torch.full((len(images),), -1.0, dtype=images.dtype)
    found = torch.zeros(len(images), dtype=torch.bool)
    with torch.no_grad():
        for k in range(len(transforms)):
            logits = model(rotate_translate(images, transforms[k].expand(len(images), 3)))
            loss = F.cross_entropy(logits, labels, reduction="none")
            fooled = logits.argmax(1) != labels
            better = fooled | (~found & (loss > largest))
            chosen[better] = k
            largest = torch.where(better, loss, largest)
            found = found | fooled
        return rotate_translate(images, transforms[chosen]), chosen
