"""The momentum is a running average, of the same sign; the estimate's zero length becomes the smallest number."""

EXPECTED = {}
REPLACE = {
    "attack_under_budget": {
        ("momentum * velocity[active] + torch.where(length > 0, found / length, 0)"): (
            "momentum * velocity[active] + (1 - momentum) * found / length.clamp_min(1e-300 "
            "if found.dtype == torch.float64 else 1e-38)"
        ),
    },
}
