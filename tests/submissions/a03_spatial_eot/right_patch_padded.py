"""The patch and its mask are padded to the size of an image, and the sum of losses is differentiated."""

EXPECTED = {}


# %% grade_id: patch_step
def patch_step(model, images, patch, mask, corners, targets, step_size):
    h, w = mask.shape
    frames = [(c, images.shape[3] - w - c, r, images.shape[2] - h - r) for r, c in corners.tolist()]
    leaf = patch.clone().detach().requires_grad_(True)
    laid = torch.stack([F.pad(leaf, frame) for frame in frames])
    cover = torch.stack([F.pad(mask.to(torch.uint8), frame) for frame in frames])[:, None].bool()
    losses = -model(torch.where(cover, laid, images.detach())).log_softmax(1)[torch.arange(len(images)), targets]
    slope = torch.autograd.grad(losses.sum(), leaf)[0].detach()
    length = slope.norm() / (mask.sum() * len(patch)) ** 0.5
    if length == 0:
        return patch.detach().clone()
    return torch.clamp(patch.detach() - slope / length * step_size, min=0, max=1)
