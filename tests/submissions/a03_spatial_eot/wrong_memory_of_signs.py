"""The memory holds signs."""

EXPECTED = {"test_eot_attack": 0}
REPLACE = {
    "eot_attack": {
        "eot_gradient(model, x, targets, draw(), margin)": ("eot_gradient(model, x, targets, draw(), margin).sign()")
    },
}
