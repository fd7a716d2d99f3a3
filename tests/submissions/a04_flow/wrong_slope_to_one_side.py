"""The loss ahead, less the loss at the image, divided by h."""

EXPECTED = {"test_measured_slope": 0}


# %% grade_id: measured_slope
def measured_slope(model, images, labels, field, h):
    with torch.no_grad():
        ahead, here = (F.cross_entropy(model(warp(images, field, t)), labels, reduction="none") for t in (h, 0))
    return (ahead - here) / h
