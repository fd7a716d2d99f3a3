"""Pixels leave [0, 1]."""

EXPECTED = {"test_eot_attack_budget": 0}
REPLACE = {
    "eot_attack": {".clamp(min=0)": "", ".clamp(max=1)": ""},
}
