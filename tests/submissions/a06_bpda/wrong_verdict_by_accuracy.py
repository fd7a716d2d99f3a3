"""The model that loses no image to PGD is taken for the honest one."""

EXPECTED = {"test_honest": 0}
REPLACE = {
    "honest": {
        'return "B"': 'return "A"',
    },
}
