"""The target's place is filled with 0, not with -inf."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {"-torch.inf": "0.0"},
}
