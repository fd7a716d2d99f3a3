"""The iterates leave [0, 1]; only the result is clamped."""

EXPECTED = {"test_ifgsm_steps": 0, "test_ifgsm_stopping": 0}
REPLACE = {
    "ifgsm": {
        "(adversarial + step_size * gradient.sign()).clamp(0, 1)": "adversarial + step_size * gradient.sign()",
        "    return adversarial": "    return adversarial.clamp(0, 1)",
    }
}
