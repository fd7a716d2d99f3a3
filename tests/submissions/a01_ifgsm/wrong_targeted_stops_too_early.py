"""The targeted attack is content with any change of the prediction."""

EXPECTED = {"test_targeted_ifgsm": 0}
REPLACE = {
    "targeted_ifgsm": {
        "    for _ in range(steps):": "    first = model(images).argmax(1)\n    for _ in range(steps):",
        "active = logits.argmax(1) != targets": "active = (logits.argmax(1) != targets) & (logits.argmax(1) == first)",
    }
}
