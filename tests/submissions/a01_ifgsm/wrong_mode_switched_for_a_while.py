"""Every module is put to eval mode for the attack and gets its own mode back afterwards."""

EXPECTED = {"test_ifgsm_traces": 0}
REPLACE = {
    "ifgsm": {
        "    adversarial = images.detach().clone()": (
            "    modes = [(m, m.training) for m in model.modules()]\n    model.eval()\n"
            "    adversarial = images.detach().clone()"
        ),
        "    return adversarial": "    for m, mode in modes:\n        m.training = mode\n    return adversarial",
    }
}
