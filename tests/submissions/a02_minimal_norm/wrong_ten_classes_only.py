"""Looks at ten classes, as many as there are digits."""

EXPECTED = {"test_deepfool_step": 0}
REPLACE = {"deepfool_step": {"    logits = model(x)": "    logits = model(x)[:, :10]"}}
