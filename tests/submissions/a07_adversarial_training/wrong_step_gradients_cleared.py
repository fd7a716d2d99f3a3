"""All of .grad is cleared, also what had been there."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        ("    for p, _ in kept:\n        p.grad = None  # backward() adds in place to what it finds\n"): "",
        "        for p, grad in kept:\n            p.grad = grad\n": ("        model.zero_grad(set_to_none=True)\n"),
    }
}
