"""The identity is not tried, so what is misclassified from the start is moved too."""

EXPECTED = {"test_grid_search": 0}
REPLACE = {
    "grid_search": {
        "if len(active) == 0:\n                break": "if k == 0 or len(active) == 0:\n                continue"
    }
}
