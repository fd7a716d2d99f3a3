"""Returns the last iterate, fooled or not."""

EXPECTED = {"test_carlini_wagner": 0}


# %% grade_id: carlini_wagner
def carlini_wagner(model, images, labels, const, steps, learning_rate, confidence=0.0):
    w = to_tanh(images).requires_grad_()
    optimizer = torch.optim.Adam([w], lr=learning_rate)
    for _ in range(steps):
        loss = objective(model, w, images, labels, const, confidence).sum()
        optimizer.zero_grad()
        loss.backward(inputs=[w])
        optimizer.step()
    return from_tanh(w).detach()
