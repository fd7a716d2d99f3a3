"""The best images are written into the tensor that was given."""

EXPECTED = {"test_attack_through": 0, "test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "x, best = images.detach().clone(), images.detach().clone()": (
            "x, best = images.detach().clone(), images.detach()"
        ),
    },
}
