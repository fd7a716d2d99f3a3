"""The losses of all transforms in one table, with minus infinity where an image had left."""

EXPECTED = {}


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    table = torch.full((len(transforms), len(images)), -float("inf"), dtype=images.dtype)
    going, first = labels == labels, torch.full_like(labels, -1)
    for k in range(len(transforms)):
        (index,) = torch.nonzero(going, as_tuple=True)
        if index.numel() == 0:
            break
        with torch.no_grad():
            logits = model(rotate_translate(images[index], transforms[k].repeat(index.numel(), 1)))
        table[k, index] = -logits.log_softmax(1)[torch.arange(len(index)), labels[index]]
        done = index[logits.argmax(1) != labels[index]]
        first[done], going[done] = k, False
    chosen = torch.where(first >= 0, first, table.argmax(0))
    return rotate_translate(images, transforms[chosen]).detach(), chosen
