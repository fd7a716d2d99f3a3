"""The models are put into train mode on the way, and back into theirs at the end."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "    strongest =": (
            "    modes = [(m, m.training) for model in (defended, stand_in) for m in model.modules()]\n"
            "    defended.train(), stand_in.train()\n    strongest ="
        ),
        "    return best,": "    for m, training in modes:\n        m.training = training\n    return best,",
    },
}
