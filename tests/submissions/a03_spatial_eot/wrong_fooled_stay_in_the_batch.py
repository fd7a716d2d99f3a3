"""The choices are right, but every image is shown to the model under every transform."""

EXPECTED = {"test_grid_search_cost": 0}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    logits = torch.stack([model(rotate_translate(images, t.expand(len(images), 3))) for t in transforms]).detach()
    losses = torch.stack([F.cross_entropy(z, labels, reduction="none") for z in logits])
    fooled = logits.argmax(2) != labels
    chosen = torch.where(fooled.any(0), fooled.int().argmax(0), losses.argmax(0))
    return rotate_translate(images, transforms[chosen]), chosen
