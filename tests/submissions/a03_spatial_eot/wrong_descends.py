"""The gradient points the other way."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {"gradient += torch": "gradient -= torch"},
}
