"""The network runs in eval mode, and is switched back."""

EXPECTED = {"test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "    loss = F": "    was = model.training\n    model.eval()\n    loss = F",
        "    rho = g": "    model.train(was)\n    rho = g",
    },
}
