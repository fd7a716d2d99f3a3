"""For one wanted class the hinge is minus that of all the others wanted: the floor becomes a ceiling."""

EXPECTED = {"test_hinge": 0, "test_hinge_one_class": 0}
REPLACE = {
    "hinge": {
        "return (other - best).clamp(min=-confidence)": (
            "lack = other - best\n"
            "    alone = -(-lack).clamp(min=-confidence)\n"
            "    return torch.where(wanted.sum(1) == 1, alone, lack.clamp(min=-confidence))"
        )
    }
}
