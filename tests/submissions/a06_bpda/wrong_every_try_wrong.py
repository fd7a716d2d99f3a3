"""The share of choices in which all answers are wrong."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "math.comb(draws - int(w), tries)": "math.comb(int(w), tries)",
        "1 - sum(spared) / len(spared)": "sum(spared) / len(spared)",
    },
}
