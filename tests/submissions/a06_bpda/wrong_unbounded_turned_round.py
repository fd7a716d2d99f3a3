"""Counts the images that the unbounded attack fools."""

EXPECTED = {"test_signs": 0}
REPLACE = {
    "signs": {
        '~wrong["unbounded"]': 'wrong["unbounded"]',
    },
}
