"""Gradients by backward(inputs=[x]) on a copy, class by class, cleared each time."""

EXPECTED = {}


# %% grade_id: deepfool_step
def deepfool_step(model, images, cost):
    x = images.detach().clone().requires_grad_()
    logits = model(x)
    top = logits.detach().argmax(1)
    best = torch.full((len(images),), float("inf"), dtype=images.dtype)
    result = torch.zeros_like(images)
    for k in range(logits.shape[1]):
        gap = logits[:, k] - logits.gather(1, top[:, None]).squeeze(1)
        x.grad = None
        gap.sum().backward(inputs=[x], retain_graph=True)
        way = x.grad / cost
        square = (way * x.grad).sum((1, 2, 3))
        length = gap.detach().abs() / square.sqrt()
        better = (top != k) & (length < best)
        best[better] = length[better]
        result[better] = (gap.detach().abs() / square)[better].view(-1, 1, 1, 1) * way[better]
    return result
