"""The loss is made smaller."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "x.detach() + step_size": "x.detach() - step_size",
    },
}
