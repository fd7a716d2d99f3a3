"""The ball is around the last image, not the original."""

EXPECTED = {"test_eot_attack_budget": 0}
REPLACE = {
    "eot_attack": {
        ("torch.clamp(x + step_size * past.sign(), floor, ceiling)"): (
            "torch.clamp(x + (step_size * past.sign()).clamp(-eps, eps), 0, 1)"
        )
    },
}
