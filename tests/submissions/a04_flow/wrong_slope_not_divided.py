"""The difference of the two losses, not divided by anything."""

EXPECTED = {"test_measured_slope": 0}


# %% grade_id: measured_slope
def measured_slope(model, images, labels, field, h):
    with torch.no_grad():
        ahead, behind = (F.cross_entropy(model(warp(images, field, t)), labels, reduction="none") for t in (h, -h))
    return ahead - behind
