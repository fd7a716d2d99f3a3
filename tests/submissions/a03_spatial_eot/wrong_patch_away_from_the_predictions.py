"""The step leads away from the classes that are predicted, as an untargeted attack's does."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "model(copies), targets)": "model(copies), model(copies).argmax(1))",
        "p.detach() - step_size": "p.detach() + step_size",
    },
}
