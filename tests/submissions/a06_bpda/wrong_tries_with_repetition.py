"""The obvious estimate, which draws one answer several times."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "math.comb(draws - int(w), tries) / math.comb(draws, tries)": "(1 - float(w) / draws) ** tries",
    },
}
