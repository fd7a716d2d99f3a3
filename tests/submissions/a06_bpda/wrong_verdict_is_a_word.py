"""The verdict is a word, not a letter."""

EXPECTED = {"test_honest": 0}
REPLACE = {
    "honest": {
        'return "B"': 'return "model B"',
    },
}
