"""The draft as it stands."""

EXPECTED = {"test_patch_step": 0, "test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "    p = patch": "    model.eval()\n    p = patch",
        "images.detach().clone()": "images.detach()",
        "model(copies), targets": "model(copies).softmax(1), targets",
        "g[:, mask].square()": "g.square()",
        "p.detach() - step_size": "p.detach() + step_size",
    },
}
