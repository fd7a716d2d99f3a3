"""Upper and lower are exchanged."""

EXPECTED = {"test_lipschitz": 0}
REPLACE = {
    "lipschitz": {
        ("return slope.flatten(1).norm(dim=1).max().item(), upper"): (
            "return upper, slope.flatten(1).norm(dim=1).max().item()"
        ),
    },
}
