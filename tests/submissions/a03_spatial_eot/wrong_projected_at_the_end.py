"""The iterate is projected once, after the last step; the box is kept on the way."""

EXPECTED = {"test_eot_attack_budget": 0}
REPLACE = {
    "eot_attack": {
        "x = x.maximum(low).minimum(high)": "x = x.clamp(0, 1)",
        "return x": "return x.maximum(low).minimum(high)",
    }
}
