"""The identity is not tried, so what is misclassified from the start is moved too."""

EXPECTED = {"test_grid_search": 0}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    n = len(images)
    chosen = torch.zeros(n, dtype=torch.int64)
    largest = torch.full((n,), -torch.inf, dtype=images.dtype)
    active = torch.arange(n)
    with torch.no_grad():
        for k, transform in enumerate(transforms):
            if k == 0 or len(active) == 0:
                continue
            logits = model(rotate_translate(images[active], transform.expand(len(active), 3)))
            loss = F.cross_entropy(logits, labels[active], reduction="none")
            fooled = logits.argmax(1) != labels[active]
            better = fooled | (loss > largest[active])
            chosen[active[better]] = k
            largest[active[better]] = loss[better]
            active = active[~fooled]
        return rotate_translate(images, transforms[chosen]), chosen
