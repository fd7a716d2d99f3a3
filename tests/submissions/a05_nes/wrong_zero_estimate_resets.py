"""Where the estimate is zero the momentum is lost."""

EXPECTED = {"test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "momentum * velocity[active] + torch.where(length > 0, found / length, 0)": (
            "torch.where(length > 0, momentum * velocity[active] + found / length, 0)"
        ),
    },
}
