"""Images that are misclassified anyway count too."""

EXPECTED = {"test_signs": 0}
REPLACE = {
    "signs": {
        "(speaks & right).sum()": "speaks.sum()",
    },
}
