"""The loop goes on with every image until the last one is fooled."""

EXPECTED = {"test_ifgsm_stopping": 0}
REPLACE = {"ifgsm": {"torch.where(active.view(-1, 1, 1, 1), stepped, adversarial)": "stepped"}}
