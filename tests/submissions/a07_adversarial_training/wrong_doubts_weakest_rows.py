"""The weakest rows of each kind are compared."""

EXPECTED = {"test_doubts": 0}
REPLACE = {
    "doubts": {
        'part[inside]["a"].min()': 'part[inside]["a"].max()',
        '(part["attack"] == kind)]["a"].min()': '(part["attack"] == kind)]["a"].max()',
        '!= "random signs")]["a"].min()': '!= "random signs")]["a"].max()',
        '== "random signs"]["a"].min()': '== "random signs"]["a"].max()',
    }
}
