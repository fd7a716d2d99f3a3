"""The gradient of the cross-entropy: the wrong sign. eot_attack uses it, and pays only once."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {"eot_gradient": {"total = -F": "total = F"}}
