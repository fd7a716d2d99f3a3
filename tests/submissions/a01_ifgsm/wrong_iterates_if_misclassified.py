"""The condition is the draft's comment read literally: an image goes on while it is misclassified."""

EXPECTED = {"test_ifgsm_steps": 0, "test_ifgsm_stopping": 0}
REPLACE = {"ifgsm": {"logits.argmax(1) == labels": "logits.argmax(1) != labels"}}
