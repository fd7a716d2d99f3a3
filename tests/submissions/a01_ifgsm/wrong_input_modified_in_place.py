"""The step is added to the caller's images, as in the draft on the slides."""

EXPECTED = {"test_fgsm_traces": 0}
REPLACE = {
    "fgsm": {"(x.detach() + eps * gradient.sign()).clamp(0, 1)": "images.add_(eps * gradient.sign()).clamp_(0, 1)"}
}
