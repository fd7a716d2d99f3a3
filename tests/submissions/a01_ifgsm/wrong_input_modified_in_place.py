"""The step is added to the caller's images, as in the draft on the slides."""

EXPECTED = {"test_fgsm_traces": 0}
REPLACE = {
    "fgsm": {
        "torch.where(chosen.view_as(images[:, :1]) > 0, moved, x.detach())": (
            "images.copy_(torch.where(chosen.view_as(images[:, :1]) > 0, moved, x.detach()))"
        )
    }
}
