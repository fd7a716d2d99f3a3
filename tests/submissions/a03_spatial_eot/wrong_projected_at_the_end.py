"""Projected after the last step."""

EXPECTED = {"test_eot_attack_budget": 0}
REPLACE = {
    "eot_attack": {
        ("torch.clamp(x + step_size * past.sign(), floor, ceiling)"): "x + step_size * past.sign()",
        "return x.clone()": "return torch.clamp(x, floor, ceiling)",
    },
}
