"""The loop stops for the whole batch once half of it is fooled; until then every image is moved."""

EXPECTED = {"test_ifgsm_stopping": 0}
REPLACE = {
    "ifgsm": {
        "if not active.any():": "if active.double().mean() < 0.5:",
        "torch.where(active.view(-1, 1, 1, 1), stepped, adversarial)": "stepped",
    }
}
