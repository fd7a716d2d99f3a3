"""Keeps the last image that succeeded, not the closest."""

EXPECTED = {"test_carlini_wagner": 0}


# %% grade_id: carlini_wagner
def carlini_wagner(model, images, labels, const, steps, learning_rate, confidence=0.0):
    attacked = model(images).argmax(1) == labels
    best = images.clone()
    least = torch.full((len(images),), torch.inf, dtype=images.dtype)
    w = to_tanh(images).requires_grad_()
    optimizer = torch.optim.Adam([w], lr=learning_rate)
    for step in range(steps + 1):
        x = from_tanh(w).detach()
        logits = model(x).detach()
        success = (logits.argmax(1) != labels) & (hinge(logits, labels, confidence) == -confidence)
        distance = (x - images).flatten(1).norm(dim=1)
        better = success & attacked
        least = torch.where(better, distance, least)
        best = torch.where(better[:, None, None, None], x, best)
        optimizer.zero_grad()
        loss = objective(model, w, images, labels, const, confidence).sum()
        loss.backward(inputs=[w])
        optimizer.step()
    return best
