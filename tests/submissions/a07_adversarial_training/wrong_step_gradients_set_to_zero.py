"""Where .grad was None it is a tensor of zeros afterwards."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {"            p.grad = grad": "            p.grad = torch.zeros_like(p) if grad is None else grad"}
}
