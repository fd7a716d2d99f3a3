"""The targeted hinge is minus the untargeted one: the floor becomes a ceiling."""

EXPECTED = {"test_hinge_targeted": 0}
REPLACE = {
    "hinge": {"(other - own if targeted else own - other).clamp(": "(-1 if targeted else 1) * (own - other).clamp("}
}
