"""What the attack leaves in .grad stays."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        ("    for p, _ in kept:\n        p.grad = None  # backward() adds in place to what it finds\n"): "",
        "        for p, grad in kept:\n            p.grad = grad\n": "",
    }
}
