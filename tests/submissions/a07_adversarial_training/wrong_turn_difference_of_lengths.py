"""How much the gradient's length changes."""

EXPECTED = {"test_turn": 0}
REPLACE = {
    "turn": {
        "turned = slope(images + z) - slope(images)": (
            "turned = slope(images + z).flatten(1).norm(dim=1, keepdim=True) - "
            "slope(images).flatten(1).norm(dim=1, keepdim=True)"
        )
    }
}
