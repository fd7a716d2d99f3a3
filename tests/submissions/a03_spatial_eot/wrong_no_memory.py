"""The memory is not used."""

EXPECTED = {"test_eot_attack": 0}
REPLACE = {
    "eot_attack": {"past * memory + ": ""},
}
