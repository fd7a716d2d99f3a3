"""Differences of two counts in place of images."""

EXPECTED = {"test_signs": 0}
REPLACE = {
    "signs": {
        'wrong[name] & ~wrong["iterated"]': 'wrong[name].int() - wrong["iterated"].int()',
        "(speaks & right).sum()": "(speaks * right).sum()",
    },
}
