"""The black box is compared with the iterated rows alone, and not with the strongest of the white-box ones."""

EXPECTED = {"test_doubts": 0}
REPLACE = {
    "doubts": {'least = part[inside]["a"].min()': 'least = part[inside & (part["attack"] == "iterated")]["a"].min()'}
}
