"""The first k draws alone are looked at."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "1 - sum(spared) / len(spared)": "(correct[:tries].amin(0) < 1).double().mean().item()",
    },
}
