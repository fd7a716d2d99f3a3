"""The gradient at the moved images, not taken back."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {
        "logits = model(slant_translate(x, transform))": (
            "seen = slant_translate(x, transform).detach().requires_grad_()\n        logits = model(seen)"
        ),
        ".sum(), x)[0]": ".sum(), seen)[0]",
    },
}
