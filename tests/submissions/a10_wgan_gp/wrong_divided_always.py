"""Every layer is divided by its norm, also where that is below the bound."""

EXPECTED = {"test_project": 0}
REPLACE = {
    "project": {
        "if sigma > bound:": "if sigma > 0:",
    },
}
