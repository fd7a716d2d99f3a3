"""backward() for one class after the other without clearing the gradient of the image: sums of gradients."""

EXPECTED = {"test_deepfool_step": 0}


# %% grade_id: deepfool_step
def deepfool_step(model, images):
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    gradients = []
    for k in range(logits.shape[1]):
        logits[:, k].sum().backward(inputs=[x], retain_graph=True)
        gradients.append(x.grad.clone().flatten(1))
    gradients = torch.stack(gradients, 1)
    logits = logits.detach()
    each, top = torch.arange(len(images)), logits.argmax(1)
    gaps = (logits - logits[each, top][:, None]).abs()
    normals = gradients - gradients[each, top][:, None]
    nearest = (gaps / normals.norm(dim=2)).scatter(1, top[:, None], torch.inf).argmin(1)
    normal, gap = normals[each, nearest], gaps[each, nearest]
    return (gap[:, None] * normal / normal.square().sum(1, keepdim=True)).view_as(images)
