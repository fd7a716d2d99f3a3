"""Counts all images that the weaker attack fools."""

EXPECTED = {"test_signs": 0}
REPLACE = {
    "signs": {
        ' & ~wrong["iterated"]': "",
    },
}
