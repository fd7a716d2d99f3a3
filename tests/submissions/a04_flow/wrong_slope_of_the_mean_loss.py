"""The slope of the mean loss over the batch, the same number for all."""

EXPECTED = {"test_measured_slope": 0}


# %% grade_id: measured_slope
def measured_slope(model, images, labels, field, h):
    with torch.no_grad():
        ahead, behind = (F.cross_entropy(model(warp(images, field, t)), labels) for t in (h, -h))
    return ((ahead - behind) / (2 * h)).expand(len(images)).clone()
