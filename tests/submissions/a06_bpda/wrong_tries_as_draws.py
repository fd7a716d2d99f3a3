"""Fooled in any of the D draws, however many tries there are."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "math.comb(draws - int(w), tries) / math.comb(draws, tries)": "float(w == 0)",
    },
}
