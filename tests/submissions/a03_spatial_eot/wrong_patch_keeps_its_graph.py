"""The new patch keeps the graph of the step."""

EXPECTED = {"test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "(p.detach() - step": "(p - step",
    },
}
